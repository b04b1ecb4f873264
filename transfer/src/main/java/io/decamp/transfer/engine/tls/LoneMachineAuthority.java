package io.decamp.transfer.engine.tls;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;

/**
 * A certificate authority for nodes that live on one machine, or on a few that share its directory: makes each node a
 * key
 * and a certificate that names it, with the JDK's {@code keytool}. Everything it writes is for the owner alone. Whoever
 * runs an authority of their own uses {@link TlsMaterial} instead. Safe to call again: what is there stays.
 */
public final class LoneMachineAuthority {
    private static final int KEYTOOL_SECONDS = 60;
    private static final String VALIDITY_DAYS = "3650";
    private static final int PASSWORD_BYTES = 24;

    private final Path directory;
    private final Path passwordFile;

    private LoneMachineAuthority(Path directory) {
        this.directory = directory;
        this.passwordFile = directory.resolve("password");
    }

    /**
     * Opens the authority in {@code directory}, making it when there is none.
     *
     * @throws DecampException {@code keytool-failed}
     */
    public static synchronized LoneMachineAuthority open(Path directory) {
        LoneMachineAuthority authority = new LoneMachineAuthority(directory);
        try {
            Files.createDirectories(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            authority.makePassword();
            authority.makeAuthority();
        } catch (IOException e) {
            throw failed("Cannot make a certificate authority in " + directory, e);
        }
        return authority;
    }

    /** The context of a node, which gets its certificate now if it has none. */
    public synchronized SSLContext contextOf(NodeId node) {
        Path store = directory.resolve("node-" + node + ".p12");
        try {
            if (Files.notExists(store)) {
                makeNode(node, store);
            }
        } catch (IOException e) {
            throw failed("Cannot make a certificate for node " + node + " in " + directory, e);
        }
        return TlsMaterial.fromPkcs12(store, passwordFile);
    }

    private void makePassword() throws IOException {
        if (Files.exists(passwordFile)) {
            return;
        }
        byte[] random = new byte[PASSWORD_BYTES];
        new SecureRandom().nextBytes(random);
        Path half = directory.resolve("password.new");
        Files.deleteIfExists(half);
        Files.createFile(half, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(half, HexFormat.of().formatHex(random) + "\n");
        Files.move(half, passwordFile, StandardCopyOption.ATOMIC_MOVE);
    }

    private void makeAuthority() throws IOException {
        Path store = directory.resolve("authority.p12");
        if (Files.exists(store)) {
            return;
        }
        Path half = fresh("authority.p12.new");
        keytool(half, "-genkeypair", "-alias", "authority", "-dname", "CN=Decamp authority", "-ext", "bc:c=ca:true,pathlen:0",
                "-ext", "ku:c=keyCertSign,cRLSign", "-keyalg", "EC", "-groupname", "secp256r1", "-validity", VALIDITY_DAYS);
        publish(half, store);
    }

    private void makeNode(NodeId node, Path store) throws IOException {
        Path authority = directory.resolve("authority.p12");
        Path half = fresh("node-" + node + ".p12.new");
        Path request = fresh("node-" + node + ".csr");
        Path certificate = fresh("node-" + node + ".crt");
        Path authorityCertificate = fresh("authority.crt");
        try {
            keytool(half, "-genkeypair", "-alias", "node", "-dname", "CN=" + node, "-keyalg", "EC", "-groupname",
                    "secp256r1", "-validity", VALIDITY_DAYS);
            keytool(half, "-certreq", "-alias", "node", "-file", request.toString());
            List<String> sign = new ArrayList<>(List.of("-gencert", "-alias", "authority", "-infile", request.toString(),
                    "-outfile", certificate.toString(), "-validity", VALIDITY_DAYS, "-ext", "eku=serverAuth,clientAuth"));
            if (node.value().indexOf('_') < 0) {
                sign.addAll(List.of("-ext", "san=dns:" + node));
            }
            keytool(authority, sign.toArray(String[]::new));
            keytool(authority, "-exportcert", "-alias", "authority", "-file", authorityCertificate.toString());
            keytool(half, "-importcert", "-noprompt", "-alias", "authority", "-file", authorityCertificate.toString());
            keytool(half, "-importcert", "-noprompt", "-alias", "node", "-file", certificate.toString());
            publish(half, store);
        } finally {
            for (Path scratch : List.of(half, request, certificate, authorityCertificate)) {
                Files.deleteIfExists(scratch);
            }
        }
    }

    private Path fresh(String name) throws IOException {
        Path file = directory.resolve(name);
        Files.deleteIfExists(file);
        return file;
    }

    private static void publish(Path half, Path whole) throws IOException {
        Files.setPosixFilePermissions(half, PosixFilePermissions.fromString("rw-------"));
        Files.move(half, whole, StandardCopyOption.ATOMIC_MOVE);
    }

    private void keytool(Path store, String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
        // five short-lived JVMs: nothing of them is worth compiling well
        command.addAll(List.of("-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC"));
        command.addAll(List.of(arguments));
        command.addAll(List.of("-keystore", store.toString(), "-storetype", "PKCS12", "-storepass:file",
                passwordFile.toString()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            process.getOutputStream().close();
            byte[] said = process.getInputStream().readNBytes(1 << 16);
            if (!process.waitFor(KEYTOOL_SECONDS, TimeUnit.SECONDS)) {
                throw new IOException("keytool " + arguments[0] + " takes longer than " + KEYTOOL_SECONDS + " s");
            }
            if (process.exitValue() != 0) {
                String text = new String(said, StandardCharsets.UTF_8).strip();
                throw new IOException("keytool " + arguments[0] + " ended with " + process.exitValue() + ": " + text);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while keytool " + arguments[0] + " runs", e);
        } finally {
            process.destroyForcibly();
        }
    }

    private static DecampException failed(String what, IOException cause) {
        return new DecampException(
                DecampException.Category.REFUSED,
                "keytool-failed",
                what,
                "Check that the directory is writable and that the JDK has bin/keytool; delete it to start anew",
                cause);
    }
}
