package io.decamp.restorer.engine.vm;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.command.CriuLog;
import io.decamp.linux.qemu.GuestAgent.Ended;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * What a script has printed in a guest: lines of a name and a value. A guest may print anything: nothing of it is
 * taken for more than text, or a number within its range.
 */
final class GuestReport {
    private static final Pattern CODE = Pattern.compile("[a-z][a-z0-9-]{0,40}");
    /** Enough to see what is wrong; a message is no log. */
    private static final int NAMES_LIMIT = 20;

    private static final int TEXT_LIMIT = 1000;

    private final Map<String, List<String>> values = new TreeMap<>();
    private final Ended ended;

    GuestReport(Ended ended) {
        this.ended = ended;
        ended.output().lines().forEach(line -> {
            int space = line.indexOf(' ');
            String name = space < 0 ? line : line.substring(0, space);
            values.computeIfAbsent(name, n -> new ArrayList<>()).add(space < 0 ? "" : line.substring(space + 1));
        });
    }

    boolean failed() {
        return ended.exitCode() != 0 || values.containsKey("error");
    }

    /** @throws DecampException {@code vm-guest-script} when it is missing */
    String text(String name) {
        List<String> all = all(name);
        if (all.size() != 1) {
            throw unusable("says " + name + " " + all.size() + " times");
        }
        return all.getFirst();
    }

    /** @throws DecampException {@code vm-guest-script} when it is missing or outside the range */
    long number(String name, long from, long to) {
        String text = text(name);
        OptionalLong value = parse(text);
        if (value.isEmpty() || value.getAsLong() < from || value.getAsLong() > to) {
            throw unusable("says " + name + " " + shortened(text));
        }
        return value.getAsLong();
    }

    boolean says(String name, String value) {
        return all(name).equals(List.of(value));
    }

    private List<String> all(String name) {
        return values.getOrDefault(name, List.of());
    }

    /** The failure in the guest's own words. @param vm as people know it */
    DecampException failure(String vm) {
        String error = all("error").stream().findFirst().orElse("");
        int space = error.indexOf(' ');
        String code = space < 0 ? error : error.substring(0, space);
        if (!CODE.matcher(code).matches()) {
            return unusable("ended with " + ended.exitCode() + ": " + said());
        }
        String text = shortened(error.substring(space + 1));
        return switch (code) {
            case "restore-failed" -> DecampException.abort(
                    code,
                    "criu can't restore the copy in VM " + vm + ": " + reason(text),
                    "The workload is complete at its source; compare the guests' files, kernels, processors and criu",
                    null);
            case "vm-files-missing" -> DecampException.abort(
                    code,
                    "VM " + vm + " lacks what the workload has in use: " + missing(),
                    "Put the same files there, or boot both guests from the same image",
                    null);
            case "vm-no-criu" -> DecampException.abort(
                    code,
                    "VM " + vm + ": " + text,
                    "Install criu there: apt-get install criu (3.17 or newer)",
                    null);
            case "vm-guest-memory" -> DecampException.abort(
                    code, "VM " + vm + " is too full: " + text, "Give it more memory, or free some there", null);
            default -> DecampException.abort(
                    code,
                    "In VM " + vm + ": " + text + (ended.errors().isBlank() ? "" : "; " + said()),
                    "The workload is complete at its source; look at what stands in the way in the guest",
                    null);
        };
    }

    private String reason(String text) {
        String reason = CriuLog.reason(all("criu"));
        List<String> said = all("output").stream().filter(Predicate.not(String::isBlank)).toList();
        String more = said.isEmpty() ? "" : "; " + shortened(said.getLast().strip());
        return reason.isEmpty() ? text + more : shortened(reason);
    }

    private String missing() {
        List<String> names = all("missing");
        String first = String.join(", ", names.subList(0, Math.min(NAMES_LIMIT, names.size())));
        return names.size() > NAMES_LIMIT ? first + " and " + (names.size() - NAMES_LIMIT) + " more" : first;
    }

    private String said() {
        String all = (ended.output().strip() + " " + ended.errors().strip()).strip();
        return all.isEmpty() ? "without a word" : shortened(all.replace('\n', ' '));
    }

    private static String shortened(String text) {
        return text.length() <= TEXT_LIMIT ? text : text.substring(0, TEXT_LIMIT) + "...";
    }

    private static OptionalLong parse(String text) {
        try {
            return OptionalLong.of(Long.parseLong(text.strip()));
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    private static DecampException unusable(String what) {
        return DecampException.abort(
                "vm-guest-script",
                "The script in the guest " + what,
                "Does the guest have a shell, tar, stat, mount and cmp (busybox is enough)?",
                null);
    }
}
