package io.decamp.restorer.engine.image;

/**
 * The kinds of CRIU image files that Decamp reads or writes, with their magic (criu/include/magic.h).
 */
public enum ImageType {
    /** The one image without the common magic in front: it tells whether the others have it. */
    INVENTORY(0x58313116, false),
    PSTREE(0x50273030, true),
    PAGEMAP(0x56084025, true);

    /** In front of every image since version 1.1 (IMG_COMMON_MAGIC). */
    static final int COMMON_MAGIC = 0x54564319;

    private final int magic;
    private final boolean common;

    ImageType(int magic, boolean common) {
        this.magic = magic;
        this.common = common;
    }

    int magic() {
        return magic;
    }

    boolean startsWithCommonMagic() {
        return common;
    }
}
