package io.decamp.edge.grpc;

import io.decamp.contracts.error.DecampException;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * What tells the services of one node from anybody else on the same host: a secret that only root can read, in the node's
 * state directory. Control ports listen on loopback, which every user of the host can reach.
 */
public final class ControlToken {
    private static final Metadata.Key<String> HEADER =
            Metadata.Key.of("decamp-token", Metadata.ASCII_STRING_MARSHALLER);
    private static final int BYTES = 32;

    private final byte[] token;

    private ControlToken(byte[] token) {
        this.token = token;
    }

    /** Reads the token, making it first when this is the node's first service. */
    public static ControlToken of(Path stateDirectory) {
        Path file = stateDirectory.resolve("control-token");
        try {
            Files.createDirectories(stateDirectory);
            if (!Files.exists(file)) {
                create(file);
            }
            return new ControlToken(Files.readAllBytes(file));
        } catch (IOException e) {
            throw DecampException.refused(
                    "control-token", "Cannot read or make " + file + ": " + e, "Run as root, and check the directory");
        }
    }

    /** Through a temporary name, so that no service ever reads half a token. */
    private static void create(Path file) throws IOException {
        byte[] secret = new byte[BYTES];
        new SecureRandom().nextBytes(secret);
        Path fresh = Files.createTempFile(
                file.getParent(),
                "control-token",
                ".new",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(fresh, HexFormat.of().formatHex(secret), StandardOpenOption.TRUNCATE_EXISTING);
        try {
            Files.createLink(file, fresh);
        } catch (FileAlreadyExistsException anotherServiceWasFirst) {
            return;
        } finally {
            Files.delete(fresh);
        }
    }

    public ClientInterceptor client() {
        String value = new String(token, StandardCharsets.US_ASCII);
        return new ClientInterceptor() {
            @Override
            public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
                return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
                    @Override
                    public void start(Listener<A> listener, Metadata headers) {
                        headers.put(HEADER, value);
                        super.start(listener, headers);
                    }
                };
            }
        };
    }

    public ServerInterceptor server() {
        return new ServerInterceptor() {
            @Override
            public <Q, A> ServerCall.Listener<Q> interceptCall(
                    ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
                String given = headers.get(HEADER);
                boolean known = given != null
                        && MessageDigest.isEqual(given.getBytes(StandardCharsets.US_ASCII), token);
                if (!known) {
                    call.close(Status.UNAUTHENTICATED.withDescription("decamp-token missing or wrong"), new Metadata());
                    return new ServerCall.Listener<>() {};
                }
                return next.startCall(call, headers);
            }
        };
    }
}
