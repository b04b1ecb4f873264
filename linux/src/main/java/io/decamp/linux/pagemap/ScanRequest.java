package io.decamp.linux.pagemap;

import static io.decamp.linux.abi.PagemapAbi.PAGE_IS_PFNZERO;
import static io.decamp.linux.abi.PagemapAbi.PAGE_IS_PRESENT;
import static io.decamp.linux.abi.PagemapAbi.PAGE_IS_SWAPPED;
import static io.decamp.linux.abi.PagemapAbi.PAGE_IS_WRITTEN;
import static io.decamp.linux.abi.PagemapAbi.PM_SCAN_CHECK_WPASYNC;
import static io.decamp.linux.abi.PagemapAbi.PM_SCAN_WP_MATCHING;

/**
 * Which pages a scan reports, in the words of struct pm_scan_arg: a page matches when, after flipping the bits of
 * {@code inverted}, it has all of {@code mask} and any of {@code anyOf} (0: no condition).
 *
 * @param flags PM_SCAN_ bits
 * @param returned the categories that are reported of a match
 */
public record ScanRequest(long flags, long mask, long inverted, long anyOf, long returned) {
    private static final long CONTENT = PAGE_IS_WRITTEN | PAGE_IS_PRESENT | PAGE_IS_SWAPPED | PAGE_IS_PFNZERO;

    /** What was written since it was last protected, protecting it again in the same step. */
    public static final ScanRequest WRITTEN_AND_PROTECT =
            new ScanRequest(PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC, PAGE_IS_WRITTEN, 0, 0, CONTENT);

    /** What was written; changes nothing. */
    public static final ScanRequest WRITTEN = new ScanRequest(PM_SCAN_CHECK_WPASYNC, PAGE_IS_WRITTEN, 0, 0, CONTENT);

    /** What has content of its own, whether tracked or not. */
    public static final ScanRequest RESIDENT = new ScanRequest(
            0, 0, 0, PAGE_IS_PRESENT | PAGE_IS_SWAPPED, PAGE_IS_PRESENT | PAGE_IS_SWAPPED | PAGE_IS_PFNZERO);
}
