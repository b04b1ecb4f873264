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

    static DecampException version(int theirs) {
        return DecampException.refused(
                "protocol-version",
                "The peer speaks version " + theirs + " of the page stream, this node version " + FrameDescriptor.VERSION,
                "Upgrade the older of the two nodes");
    }

    static DecampException unknownSource(int code) {
        return DecampException.refused(
                "page-source-unknown",
                "Page source " + code + " is not known to this node",
                "Upgrade this node, or send the pages as bytes");
    }
}
