package io.decamp.contracts.page;

/** Where the content of a run of pages comes from. Codes are on the wire: never renumber. */
public enum PageSource {
    /** The bytes follow. */
    BYTES(1),
    /** Zero, or gone at the source: becomes a hole in the replica. */
    ZERO(2),
    /** Equal to the same address of another address space, as the destination has it at this point of the stream. */
    SAME_AS(3);

    private final int code;

    PageSource(int code) {
        this.code = code;
    }

    public int code() {
        return code;
    }

    /** @return null when no source has this code */
    public static PageSource ofCode(int code) {
        return switch (code) {
            case 1 -> BYTES;
            case 2 -> ZERO;
            case 3 -> SAME_AS;
            default -> null;
        };
    }
}
