package io.decamp.transfer.engine.tls;

import io.decamp.contracts.error.DecampException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * Makes the {@link SSLContext} of a node from what its configuration names: a key with its certificate chain, and the
 * authorities that it trusts, as PKCS12 or as PEM files (key in PKCS8, not encrypted).
 */
public final class TlsMaterial {
    private static final Pattern PEM = Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([^-]+)-----END \\1-----");
    private static final List<String> KEY_ALGORITHMS = List.of("EC", "RSA", "EdDSA");
    private static final long MAX_FILE_BYTES = 1 << 20;

    private TlsMaterial() {}

    /**
     * @param keyStore PKCS12 with one key, its chain, and the trusted authorities as certificate entries
     * @param passwordFile holds the password in its first line
     * @throws DecampException {@code tls-material}
     */
    public static SSLContext fromPkcs12(Path keyStore, Path passwordFile) {
        try (InputStream in = Files.newInputStream(keyStore)) {
            char[] password = firstLine(passwordFile).toCharArray();
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(in, password);
            return context(store, password, store);
        } catch (IOException | GeneralSecurityException e) {
            throw unusable(keyStore, e);
        }
    }

    /** @throws DecampException {@code tls-material} */
    public static SSLContext fromPem(Path privateKey, Path certificateChain, Path authorities) {
        Path reading = privateKey;
        try {
            PrivateKey key = readKey(privateKey);
            reading = certificateChain;
            Certificate[] chain = readCertificates(certificateChain).toArray(Certificate[]::new);
            reading = authorities;
            KeyStore trust = KeyStore.getInstance("PKCS12");
            trust.load(null, null);
            List<Certificate> trusted = readCertificates(authorities);
            for (int i = 0; i < trusted.size(); i++) {
                trust.setCertificateEntry("authority-" + i, trusted.get(i));
            }
            char[] none = new char[0];
            KeyStore own = KeyStore.getInstance("PKCS12");
            own.load(null, null);
            own.setKeyEntry("node", key, none, chain);
            return context(own, none, trust);
        } catch (IOException | GeneralSecurityException e) {
            throw unusable(reading, e);
        }
    }

    private static SSLContext context(KeyStore own, char[] password, KeyStore trust) throws GeneralSecurityException {
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(own, password);
        TrustManagerFactory trusts = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trusts.init(trust);
        SSLContext context = SSLContext.getInstance("TLSv1.3");
        context.init(keys.getKeyManagers(), trusts.getTrustManagers(), null);
        return context;
    }

    private static PrivateKey readKey(Path file) throws IOException, GeneralSecurityException {
        for (byte[] der : blocks(file, "PRIVATE KEY")) {
            for (String algorithm : KEY_ALGORITHMS) {
                try {
                    return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
                } catch (InvalidKeySpecException e) {
                    continue;
                }
            }
        }
        throw new InvalidKeySpecException("no PKCS8 'PRIVATE KEY' of " + KEY_ALGORITHMS);
    }

    private static List<Certificate> readCertificates(Path file) throws IOException, GeneralSecurityException {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        List<Certificate> certificates = new ArrayList<>();
        for (byte[] der : blocks(file, "CERTIFICATE")) {
            certificates.add(factory.generateCertificate(new ByteArrayInputStream(der)));
        }
        if (certificates.isEmpty()) {
            throw new GeneralSecurityException("no 'CERTIFICATE' in it");
        }
        return certificates;
    }

    private static List<byte[]> blocks(Path file, String label) throws IOException {
        if (Files.size(file) > MAX_FILE_BYTES) {
            throw new IOException("longer than " + MAX_FILE_BYTES + " bytes");
        }
        List<byte[]> found = new ArrayList<>();
        Matcher m = PEM.matcher(Files.readString(file, StandardCharsets.US_ASCII));
        while (m.find()) {
            if (m.group(1).equals(label)) {
                found.add(Base64.getMimeDecoder().decode(m.group(2)));
            }
        }
        return found;
    }

    private static String firstLine(Path file) throws IOException {
        return Files.readString(file).lines().findFirst().orElse("");
    }

    private static DecampException unusable(Path file, Exception cause) {
        return new DecampException(
                DecampException.Category.REFUSED,
                "tls-material",
                "Cannot use " + file + " for TLS",
                "Give a readable PKCS12 with its password, or a PKCS8 key, its chain and the authorities as PEM",
                cause);
    }
}
