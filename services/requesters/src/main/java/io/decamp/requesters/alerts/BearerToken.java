package io.decamp.requesters.alerts;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.regex.Pattern;

/** The secret that a sender must show (RFC 6750). Kept as a hash, and compared in constant time. */
public final class BearerToken {
    /** What may stand in the header, and long enough not to be guessed over a network. */
    private static final Pattern VALID = Pattern.compile("[A-Za-z0-9._~+/=-]{16,512}");

    private static final String SCHEME = "Bearer ";

    private final byte[] hash;

    private BearerToken(String secret) {
        this.hash = sha256(secret);
    }

    /** @throws DecampException {@code token-unusable} */
    public static BearerToken read(Path file) {
        try {
            String secret = Files.readString(file).strip();
            if (VALID.matcher(secret).matches()) {
                return new BearerToken(secret);
            }
        } catch (IOException e) {
            throw new DecampException(
                    DecampException.Category.REFUSED,
                    "token-unusable",
                    "The token file " + file + " can't be read",
                    "Name a file with one line",
                    e);
        }
        throw DecampException.refused(
                "token-unusable",
                "The token file " + file + " does not hold a token",
                "Write one line of 16 to 512 letters, digits or ._~+/=- into it, as of: openssl rand -hex 32");
    }

    /** @param header value of {@code Authorization}, null when there is none */
    boolean isShownBy(String header) {
        return header != null
                && header.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
                && MessageDigest.isEqual(hash, sha256(header.substring(SCHEME.length()).strip()));
    }

    private static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every JDK has SHA-256", e);
        }
    }
}
