package io.decamp.contracts.page;

/**
 * How the pages of an ENCODED_PAGES frame became its payload. Codes are on the wire: never renumber. What decoding gives
 * has exactly the length of the run, or the frame is refused.
 */
public enum PageCodec {
    /** One LZ4 block. */
    LZ4(1, false),
    /** XOR with what the receiver has sealed at the same place, then one LZ4 block. */
    XOR_LZ4(2, true),
    /** One Zstandard frame. */
    ZSTD(3, false);

    private final int code;
    private final boolean based;

    PageCodec(int code, boolean based) {
        this.code = code;
        this.based = based;
    }

    public int code() {
        return code;
    }

    /** Whether decoding needs the version of the pages that the base epoch sealed. */
    public boolean isBased() {
        return based;
    }

    /** @return null when no codec has this code */
    public static PageCodec ofCode(int code) {
        return switch (code) {
            case 1 -> LZ4;
            case 2 -> XOR_LZ4;
            case 3 -> ZSTD;
            default -> null;
        };
    }
}
