package io.decamp.linux.probe;

/** What a probe found. */
public sealed interface Support {
    record Supported() implements Support {}

    /** @param reason a sentence without a full stop: what was tried and what the kernel said */
    record Missing(String reason) implements Support {}

    static Support yes() {
        return new Supported();
    }

    static Support no(String reason) {
        return new Missing(reason);
    }
}
