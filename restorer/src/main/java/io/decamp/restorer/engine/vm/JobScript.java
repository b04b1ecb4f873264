package io.decamp.restorer.engine.vm;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.v1.CgroupValue;
import io.decamp.contracts.v1.RequiredFile;
import io.decamp.contracts.v1.TravellingFile;
import io.decamp.contracts.v1.VmFiles;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The {@code job.sh} of one restore: what restore.sh and discard.sh are to do, as calls of their functions.
 * Everything in it that came from another node is quoted.
 */
final class JobScript {
    /**
     * Files of a cgroup v2 whose values may be set (Documentation/admin-guide/cgroup-v2.rst), by the controllers they
     * need.
     */
    private static final Set<String> LIMITS = Set.of(
            "memory.max", "memory.high", "memory.low", "memory.min", "memory.swap.max", "memory.oom.group",
            "cpu.max", "cpu.max.burst", "cpu.weight", "cpu.idle", "pids.max");

    private static final int KIND_MASK = 0170000;

    private final StringBuilder text = new StringBuilder();

    private JobScript() {}

    /**
     * @param disks serial number of the disk that is {@code pages-N.img}, by N
     * @param standby whether disks were plugged before their content was final
     * @param bytes of memory that the copy will take
     */
    static String of(GuestJob job, Map<Integer, String> disks, boolean standby, long bytes, VmFiles files) {
        JobScript script = new JobScript();
        script.line("job=" + quoted(job.name()));
        script.line("bytes=" + bytes);
        script.line("standby=" + (standby ? "1" : ""));
        script.function("spaces", disks.entrySet().stream()
                .map(disk -> "space " + quoted(disk.getValue()) + " " + disk.getKey())
                .toList());
        script.function("requirements", files.getRequiredList().stream()
                .map(JobScript::requirement)
                .toList());
        script.sizes(files.getRequiredList().stream()
                .filter(f -> (f.getKind() & KIND_MASK) == 0100000 && f.getSize() >= 0)
                .toList());
        List<TravellingFile> travelling = files.getTravellingList();
        script.line("placements() {\n:");
        for (int i = 0; i < travelling.size(); i++) {
            script.line("place " + i + " contents/" + i + " " + path(travelling.get(i).getPath()) + " \"$1\"");
        }
        script.line("}");
        script.limits(files.getCgroupList());
        return script.text.toString();
    }

    private static String requirement(RequiredFile file) {
        return "need " + test(file) + " " + path(file.getPath()) + " " + quoted(file.getUser());
    }

    private static String test(RequiredFile file) {
        return switch (file.getKind() & KIND_MASK) {
            case 0100000 -> "-f";
            case 0040000 -> "-d";
            case 0020000 -> "-c";
            case 0060000 -> "-b";
            case 0010000 -> "-p";
            case 0140000 -> "-S";
            default -> throw bad("kind 0" + Integer.toOctalString(file.getKind()) + " of file " + file.getPath());
        };
    }

    /** One stat(1) for all: a process takes milliseconds to start in a busy guest. */
    private void sizes(List<RequiredFile> regular) {
        line("sizes() {\ncase $1 in");
        line("wanted) printf %s " + quoted(regular.stream()
                .map(f -> f.getSize() + " " + f.getPath())
                .collect(Collectors.joining("\n"))) + " ;;");
        line("found) " + (regular.isEmpty()
                ? ":"
                : "stat -L -c '%s %n' -- " + regular.stream()
                        .map(f -> path(f.getPath()))
                        .collect(Collectors.joining(" "))) + " ;;");
        line("each) :");
        regular.forEach(f -> line("size " + f.getSize() + " " + path(f.getPath())));
        line(";;\nesac\n}");
    }

    private void limits(List<CgroupValue> values) {
        Set<String> controllers = new TreeSet<>();
        for (CgroupValue value : values) {
            if (!LIMITS.contains(value.getFile())) {
                throw bad("cgroup file " + value.getFile());
            }
            controllers.add(value.getFile().substring(0, value.getFile().indexOf('.')));
        }
        line("limits() {\ncase $1 in");
        line("names) echo " + String.join(" ", controllers) + " ;;");
        line("set) :");
        values.forEach(value -> line("limit " + value.getFile() + " " + quoted(value.getValue())));
        line(";;\nesac\n}");
    }

    private void function(String name, List<String> lines) {
        line(name + "() {\n:");
        lines.forEach(this::line);
        line("}");
    }

    private void line(String line) {
        text.append(line).append('\n');
    }

    private static String path(String path) {
        if (!path.startsWith("/")) {
            throw bad("path '" + path + "', which is not absolute");
        }
        return quoted(path);
    }

    /** As one word of a POSIX shell, whatever is in it. */
    static String quoted(String word) {
        if (word.indexOf('\0') >= 0) {
            throw bad("a word with a NUL in it");
        }
        return "'" + word.replace("'", "'\\''") + "'";
    }

    private static DecampException bad(String what) {
        return DecampException.refused(
                "bad-image",
                "vm-files.img names " + what,
                "Source and destination must run the same version of Decamp");
    }
}
