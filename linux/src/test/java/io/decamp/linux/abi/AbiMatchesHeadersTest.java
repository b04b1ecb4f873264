package io.decamp.linux.abi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.StructLayout;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Lets gcc compare each constant and each layout with the headers of the machine. */
class AbiMatchesHeadersTest {
    /** Constants whose names are ours: offsets and sizes, which come from the layouts. */
    private static final Pattern OURS = Pattern.compile(
            "(\\w+_BYTES|MESSAGE_EVENT|PAGEFAULT_\\w+|FORK_UFD|REMAP_\\w+|REMOVE_\\w+|API_\\w+|RANGE_\\w+|REGISTER_MODE"
                    + "|WRITEPROTECT_MODE|COPY_\\w+|ZEROPAGE_\\w+|SCAN_\\w+|REGION_\\w+|SIGINFO_\\w+|POLLFD_\\w+|IOVEC_\\w+"
                    + "|SUN_FAMILY|SUN_PATH|MSG_IOV|MSG_IOVLEN|MSG_CONTROL|MSG_CONTROLLEN|MSG_FLAGS|CMSG_\\w+|UCRED_\\w+|INFO_\\w+|IN_\\w+|IN6_\\w+)");

    private static final List<String> UNION_VIEWS = List.of("uffd_msg");

    /** Structs that grow, of which only the beginning is described. */
    private static final List<String> PREFIXES = List.of("tcp_info");

    @TempDir
    private Path directory;

    static Stream<Class<?>> descriptions() {
        return Stream.of(
                UffdAbi.class, PagemapAbi.class, PtraceAbi.class, FileAbi.class, SocketAbi.class, TcpAbi.class,
                ProcessAbi.class);
    }

    @ParameterizedTest
    @MethodSource("descriptions")
    void shouldAgreeWithTheHeaders(Class<?> description) throws Exception {
        StringBuilder program = new StringBuilder(PREAMBLE);
        int constants = constants(description, program);
        layouts(description, program);

        String said = compile(program.toString());

        assertTrue(constants > 3, "only " + constants + " constants of " + description);
        assertEquals("", said);
    }

    @Test
    void shouldNoticeAWrongValue() throws Exception {
        String said = compile(PREAMBLE + "_Static_assert(UFFD_API == 0xAB, \"UFFD_API\");\n");

        assertTrue(said.contains("UFFD_API"), said);
    }

    private static int constants(Class<?> description, StringBuilder program) throws IllegalAccessException {
        int count = 0;
        for (Field field : description.getDeclaredFields()) {
            boolean number = field.getType() == long.class || field.getType() == int.class;
            if (number && Modifier.isPublic(field.getModifiers()) && !OURS.matcher(field.getName()).matches()) {
                long value = field.getLong(null);
                program.append("_Static_assert((unsigned long)(%s) == %dUL, \"%s\");%n"
                        .formatted(field.getName(), value, field.getName()));
                count++;
            }
        }
        return count;
    }

    private static void layouts(Class<?> description, StringBuilder program) throws ReflectiveOperationException {
        Field field = description.getDeclaredField("LAYOUTS");
        for (Object entry : (List<?>) field.get(null)) {
            StructLayout layout = (StructLayout) entry;
            String name = layout.name().orElseThrow();
            String type = name.endsWith("_t") ? name : "struct " + name;
            program.append("_Static_assert(sizeof(%s) %s %d, \"sizeof %s\");%n"
                    .formatted(type, PREFIXES.contains(name) ? ">=" : "==", layout.byteSize(), name));
            for (MemoryLayout member : layout.memberLayouts()) {
                if (member instanceof PaddingLayout || member.name().isEmpty()) {
                    continue;
                }
                String path = member.name().get();
                long offset = layout.byteOffset(MemoryLayout.PathElement.groupElement(path));
                program.append("_Static_assert(offsetof(%s, %s) == %d, \"%s.%s\");%n"
                        .formatted(type, path, offset, name, path));
                if (!UNION_VIEWS.contains(name) || !path.endsWith("feat")) {
                    program.append("_Static_assert(sizeof(((%s *)0)->%s) == %d, \"sizeof %s.%s\");%n"
                            .formatted(type, path, member.byteSize(), name, path));
                }
            }
        }
    }

    private String compile(String program) throws Exception {
        Path source = Files.writeString(directory.resolve("abi.c"), program);
        Process gcc = new ProcessBuilder("gcc", "-std=gnu11", "-Wall", "-Werror", "-fsyntax-only", source.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(gcc.getInputStream().readAllBytes());
        assertEquals(said.isEmpty(), gcc.waitFor() == 0);
        return said;
    }

    /** What the headers of Debian 12 (Linux 6.1, glibc 2.36) are too old for, as the uapi of 6.7 defines it. */
    private static final String PREAMBLE = """
            #define _GNU_SOURCE
            #include <stddef.h>
            #include <stdint.h>
            #include <fcntl.h>
            #include <poll.h>
            #include <signal.h>
            #include <spawn.h>
            #include <elf.h>
            #include <sys/ioctl.h>
            #include <sys/mman.h>
            #include <sys/ptrace.h>
            #include <sys/resource.h>
            #include <sys/socket.h>
            #include <netinet/in.h>
            #include <linux/tcp.h>
            #include <sys/uio.h>
            #include <sys/un.h>
            #include <sys/wait.h>
            #include <sys/user.h>
            #include <linux/fs.h>
            #include <linux/kcmp.h>
            #include <linux/userfaultfd.h>
            #ifndef UFFD_FEATURE_WP_UNPOPULATED
            #define UFFD_FEATURE_WP_UNPOPULATED (1 << 13)
            #endif
            #ifndef UFFD_FEATURE_WP_ASYNC
            #define UFFD_FEATURE_WP_ASYNC (1 << 15)
            #endif
            #ifndef PTRACE_EVENT_STOP
            #define PTRACE_EVENT_STOP 128
            #endif
            #ifndef NT_ARM_SYSTEM_CALL
            #define NT_ARM_SYSTEM_CALL 0x404
            #endif
            #ifndef PAGEMAP_SCAN
            struct page_region { uint64_t start, end, categories; };
            struct pm_scan_arg {
                uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
                uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
            };
            #define PAGEMAP_SCAN _IOWR('f', 16, struct pm_scan_arg)
            #define PM_SCAN_WP_MATCHING (1 << 0)
            #define PM_SCAN_CHECK_WPASYNC (1 << 1)
            #define PAGE_IS_WPALLOWED (1 << 0)
            #define PAGE_IS_WRITTEN (1 << 1)
            #define PAGE_IS_FILE (1 << 2)
            #define PAGE_IS_PRESENT (1 << 3)
            #define PAGE_IS_SWAPPED (1 << 4)
            #define PAGE_IS_PFNZERO (1 << 5)
            #define PAGE_IS_HUGE (1 << 6)
            #endif
            #ifndef PAGE_IS_SOFT_DIRTY
            #define PAGE_IS_SOFT_DIRTY (1 << 7)
            #endif
            """;
}
