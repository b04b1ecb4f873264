package io.decamp.linux.abi;

import static io.decamp.linux.abi.Struct.offset;
import static io.decamp.linux.abi.Struct.u64;

import java.lang.foreign.StructLayout;
import java.util.List;

/** PAGEMAP_SCAN of linux/fs.h, since Linux 6.7 (commit 52526ca7fdb9); entries of /proc/PID/pagemap. */
public final class PagemapAbi {
    public static final long PM_SCAN_WP_MATCHING = 1 << 0;
    public static final long PM_SCAN_CHECK_WPASYNC = 1 << 1;

    public static final long PAGE_IS_WPALLOWED = 1 << 0;
    public static final long PAGE_IS_WRITTEN = 1 << 1;
    public static final long PAGE_IS_FILE = 1 << 2;
    public static final long PAGE_IS_PRESENT = 1 << 3;
    public static final long PAGE_IS_SWAPPED = 1 << 4;
    public static final long PAGE_IS_PFNZERO = 1 << 5;
    public static final long PAGE_IS_HUGE = 1 << 6;
    public static final long PAGE_IS_SOFT_DIRTY = 1 << 7;

    static final StructLayout page_region = Struct.of("page_region", u64("start"), u64("end"), u64("categories"));
    static final StructLayout pm_scan_arg = Struct.of(
            "pm_scan_arg",
            u64("size"),
            u64("flags"),
            u64("start"),
            u64("end"),
            u64("walk_end"),
            u64("vec"),
            u64("vec_len"),
            u64("max_pages"),
            u64("category_inverted"),
            u64("category_mask"),
            u64("category_anyof_mask"),
            u64("return_mask"));
    static final List<StructLayout> LAYOUTS = List.of(page_region, pm_scan_arg);

    public static final long PAGEMAP_SCAN = Ioctl.readWrite('f', 16, pm_scan_arg.byteSize());

    public static final long SCAN_BYTES = pm_scan_arg.byteSize();
    public static final long SCAN_SIZE = offset(pm_scan_arg, "size");
    public static final long SCAN_FLAGS = offset(pm_scan_arg, "flags");
    public static final long SCAN_START = offset(pm_scan_arg, "start");
    public static final long SCAN_END = offset(pm_scan_arg, "end");
    public static final long SCAN_WALK_END = offset(pm_scan_arg, "walk_end");
    public static final long SCAN_VEC = offset(pm_scan_arg, "vec");
    public static final long SCAN_VEC_LEN = offset(pm_scan_arg, "vec_len");
    public static final long SCAN_MAX_PAGES = offset(pm_scan_arg, "max_pages");
    public static final long SCAN_CATEGORY_INVERTED = offset(pm_scan_arg, "category_inverted");
    public static final long SCAN_CATEGORY_MASK = offset(pm_scan_arg, "category_mask");
    public static final long SCAN_CATEGORY_ANYOF_MASK = offset(pm_scan_arg, "category_anyof_mask");
    public static final long SCAN_RETURN_MASK = offset(pm_scan_arg, "return_mask");

    public static final long REGION_BYTES = page_region.byteSize();
    public static final long REGION_START = offset(page_region, "start");
    public static final long REGION_END = offset(page_region, "end");
    public static final long REGION_CATEGORIES = offset(page_region, "categories");

    private PagemapAbi() {}
}
