package io.decamp.restorer.engine.vm;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** The scripts that run in guests; what each one does and takes is said in it. */
enum GuestScript {
    BEGIN("begin.sh"),
    RESTORE("restore.sh"),
    LOOK("look.sh"),
    THAW("thaw.sh"),
    FINISH("finish.sh"),
    DISCARD("discard.sh"),
    WARM("warm.sh");

    private final String text;

    GuestScript(String resource) {
        try (InputStream in = GuestScript.class.getResourceAsStream(resource)) {
            text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("Can't read " + resource, e);
        }
    }

    String text() {
        return text;
    }
}
