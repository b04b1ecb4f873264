package io.decamp.transfer.engine.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TlsMaterialTest {
    @TempDir
    Path directory;

    private KeyStore node;
    private char[] password;

    @BeforeEach
    void makeNode() throws Exception {
        LoneMachineAuthority.open(directory.resolve("ca")).contextOf(new NodeId("alpha"));
        password = Files.readString(directory.resolve("ca/password")).strip().toCharArray();
        node = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(directory.resolve("ca/node-alpha.p12"))) {
            node.load(in, password);
        }
    }

    @Test
    void shouldIssueCertificatesThatNameTheNodeAndKeepThemForTheOwnerAlone() throws Exception {
        assertEquals(Set.of("alpha"), PeerIdentity.namesOf((X509Certificate) node.getCertificate("node")));
        try (var files = Files.list(directory.resolve("ca"))) {
            for (Path file : files.toList()) {
                assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)), file.toString());
            }
        }
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve("ca"))));
    }

    @Test
    void shouldKeepWhatIsThereWhenOpenedAgain() throws Exception {
        byte[] before = Files.readAllBytes(directory.resolve("ca/node-alpha.p12"));
        LoneMachineAuthority.open(directory.resolve("ca")).contextOf(new NodeId("alpha"));
        assertEquals(Base64.getEncoder().encodeToString(before),
                Base64.getEncoder().encodeToString(Files.readAllBytes(directory.resolve("ca/node-alpha.p12"))));
    }

    @Test
    void shouldReadPem() throws Exception {
        Path key = pem("key", "PRIVATE KEY", node.getKey("node", password).getEncoded());
        Path chain = pem("chain", "CERTIFICATE", node.getCertificate("node").getEncoded());
        Path authority = pem("authority", "CERTIFICATE", node.getCertificate("authority").getEncoded());
        assertNotNull(TlsMaterial.fromPem(key, chain, authority));
        DecampException e = assertThrows(DecampException.class, () -> TlsMaterial.fromPem(chain, chain, authority));
        assertEquals("tls-material", e.code());
    }

    @Test
    void shouldRefuseAWrongPassword() throws IOException {
        Path wrong = Files.writeString(directory.resolve("wrong"), "guess\n");
        DecampException e = assertThrows(
                DecampException.class, () -> TlsMaterial.fromPkcs12(directory.resolve("ca/node-alpha.p12"), wrong));
        assertEquals("tls-material", e.code());
    }

    private Path pem(String name, String label, byte[] der) throws IOException {
        return Files.writeString(
                directory.resolve(name),
                "-----BEGIN " + label + "-----\n" + Base64.getMimeEncoder().encodeToString(der) + "\n-----END " + label + "-----\n");
    }
}
