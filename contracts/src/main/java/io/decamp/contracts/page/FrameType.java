package io.decamp.contracts.page;

/** What a frame says. Codes are on the wire: never renumber. */
public enum FrameType {
    /** First frame of the sender. */
    HELLO(1),
    /** First frame of the receiver, unless it is an ERROR. */
    HELLO_ACK(2),
    /** An epoch starts. */
    BEGIN(3),
    /** Hint: these pages will come; memory may be got ready. Not part of what an epoch is. */
    PREPARE(4),
    /** A run of pages. */
    PAGES(5),
    /** A chunk of a named part. */
    PART(6),
    /** The epoch is complete. */
    SEAL(7),
    /** The epoch is sealed and applied. */
    SEAL_ACK(8),
    /** The receiver gives up on this connection and says why. */
    ERROR(9),
    /** A run of pages in another form than their bytes; from version 2 on. */
    ENCODED_PAGES(10);

    private final int code;

    FrameType(int code) {
        this.code = code;
    }

    public int code() {
        return code;
    }

    /** The first version of the stream that has it. */
    public int sinceVersion() {
        return this == ENCODED_PAGES ? 2 : FrameDescriptor.OLDEST_VERSION;
    }

    /** Whether bytes may follow the meta. */
    public boolean hasPayload() {
        return this == PAGES || this == ENCODED_PAGES || this == PART;
    }

    /** @return null when no type has this code */
    public static FrameType ofCode(int code) {
        return switch (code) {
            case 1 -> HELLO;
            case 2 -> HELLO_ACK;
            case 3 -> BEGIN;
            case 4 -> PREPARE;
            case 5 -> PAGES;
            case 6 -> PART;
            case 7 -> SEAL;
            case 8 -> SEAL_ACK;
            case 9 -> ERROR;
            case 10 -> ENCODED_PAGES;
            default -> null;
        };
    }
}
