package io.decamp.contracts.page;

import io.decamp.contracts.error.DecampException;

/** Makes the refusals of the page stream: all of them end the connection and leave what is sealed as it was. */
public final class FrameException {
    private static final String ADVICE = "Nothing sealed was touched. Connect again; the epoch is sent anew";

    private FrameException() {}

    /** Bytes that are not a frame of this protocol, or not the one that must come now. */
    public static DecampException malformed(String message) {
        return DecampException.retry("frame-malformed", message, ADVICE, null);
    }

    /** Content whose checksum does not match. */
    public static DecampException corrupt(String message) {
        return DecampException.retry("frame-corrupt", message, ADVICE, null);
    }

    /** The code by which a sender knows that it may try an older version. */
    public static final String VERSION_CODE = "protocol-version";

    /** The code by which a sender knows that it must not encode pages as a change of what was sealed. */
    public static final String BASE_CODE = "page-base-mismatch";

    /** Pages that were encoded as a change of something else than what is sealed here. */
    public static DecampException base(String message) {
        return DecampException.retry(
                BASE_CODE, message, "Nothing sealed was touched. Connect again; the pages are sent whole", null);
    }

    static DecampException version(int theirs) {
        return DecampException.refused(
                VERSION_CODE,
                "The peer speaks version " + theirs + " of the page stream, this node versions "
                        + FrameDescriptor.OLDEST_VERSION + " to " + FrameDescriptor.VERSION,
                "Upgrade the older of the two nodes");
    }

    /** The code by which a sender knows that it must send pages as bytes. */
    public static final String CODEC_CODE = "page-codec-unknown";

    /** A codec that this release, or this machine, does not have. */
    public static DecampException unknownCodec(Object codec) {
        return DecampException.refused(
                CODEC_CODE,
                "Page codec " + codec + " is not known to this node",
                "Upgrade this node, or see in its log which library is missing; pages are sent as bytes meanwhile");
    }

    static DecampException unknownSource(int code) {
        return DecampException.refused(
                "page-source-unknown",
                "Page source " + code + " is not known to this node",
                "Upgrade this node, or send the pages as bytes");
    }
}
