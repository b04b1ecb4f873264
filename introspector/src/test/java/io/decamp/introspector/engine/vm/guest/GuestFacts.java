package io.decamp.introspector.engine.vm.guest;

import io.decamp.testkit.vm.GuestVm;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What a guest's own {@code /proc} says of a container, in the form of {@link GuestReadings}. */
final class GuestFacts {
    /** Processes that have what is to be read: a pipe, files with positions, a removed one, mounts, threads. */
    private static final String CONTAINER = String.join(
            "; ",
            "mkdir -p /var/box/in && mount -t tmpfs box /var/box/in && mkdir '/var/box/in/d \u00e9p'",
            "cat > /var/box/run <<'EOF'",
            "cd '/var/box/in/d \u00e9p'\nexec 5>>out.log\necho first line >&5\ntouch gone\nexec 6<gone\nrm gone\n"
                    + "memcached -u root -t 3 -l 127.0.0.1 -p 12611 &\n"
                    + "sleep 30001 | sleep 30002 &\nwait\nEOF\n"
                    + "unshare -pf sh /var/box/run </dev/null >/dev/null 2>&1 & true");

    /** Sections {@code @KEY}, then lines. */
    private static final String TELL = """
            for p in %s; do
              echo "@$p/comm"; cat /proc/$p/comm
              echo "@$p/ppid"; grep ^PPid: /proc/$p/status | tr -d 'PPid:\\t'
              echo "@$p/nspid"; grep ^NSpid: /proc/$p/status | tr -s ':\\t' '  ' | cut -d' ' -f2-
              echo "@$p/threads"; ls /proc/$p/task | sort -n | tr '\\n' ' '; echo
              echo "@$p/maps"; cat /proc/$p/maps
              echo "@$p/exe"; readlink /proc/$p/exe
              echo "@$p/cwd"; readlink /proc/$p/cwd
              echo "@$p/cmdline"; tr '\\0' ' ' < /proc/$p/cmdline; echo
              for f in /proc/$p/fd/*; do f=${f##*/}
                echo "@$p/fd/$f"; readlink /proc/$p/fd/$f
                echo "@$p/fdinfo/$f"
                grep -E '^(pos|flags):' /proc/$p/fdinfo/$f | tr -d 'posflags:\\t' | tr '\\n' ' '; echo
              done
            done""";

    private GuestFacts() {}

    /** @return the number of the container's init in the guest */
    static int start(GuestVm guest) {
        guest.shell(CONTAINER).check();
        // what writes has written then: positions stay
        String found = guest.shell("for i in $(seq 60); do"
                        + " [ $(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c '^3000[12]$') = 2 ]"
                        + " && m=$(pidof memcached) && [ $(ls /proc/$m/task | wc -l) -ge 5 ] && break; sleep 0.2; done;"
                        + " grep -lE 'NSpid:.*[0-9][[:space:]]+1$' /proc/[0-9]*/status 2>/dev/null | grep -o '[0-9]*'")
                .check()
                .output();
        return Integer.parseInt(found.strip());
    }

    /** @param init of the container */
    static Map<String, String> of(GuestVm guest, int init) {
        // processes may end while they are listed
        String members = guest.shell("n=$(readlink /proc/" + init + "/ns/pid); for p in /proc/[0-9]*;"
                        + " do [ \"$(readlink $p/ns/pid 2>/dev/null)\" = \"$n\" ] && echo ${p#/proc/}; done | sort -n")
                .check()
                .output()
                .replace('\n', ' ')
                .strip();
        Map<String, String> facts = parse(utf8(guest.shell(TELL.formatted(members)).check().output()));
        facts.put("release", guest.shell("uname -r").check().output().strip());
        facts.put("processors", guest.shell("nproc").check().output().strip());
        facts.put("members", members);
        return facts;
    }

    /** The console gives a character for each byte. */
    private static String utf8(String bytes) {
        return new String(bytes.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }

    static Map<String, String> parse(String text) {
        Map<String, StringBuilder> sections = new TreeMap<>();
        StringBuilder open = new StringBuilder();
        for (String line : text.lines().toList()) {
            if (line.startsWith("@")) {
                open = sections.computeIfAbsent(line.substring(1), k -> new StringBuilder());
            } else {
                open.append(open.isEmpty() ? "" : "\n").append(line);
            }
        }
        return sections.entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey,
                        e -> normal(e.getKey(), e.getValue().toString()),
                        (a, b) -> b,
                        TreeMap::new));
    }

    /** The kernel pads. */
    private static String normal(String key, String value) {
        if (!key.endsWith("/maps")) {
            return value.strip();
        }
        return value.lines()
                .map(line -> {
                    String[] word = line.split(" +", 6);
                    return unpadded(word[0]) + " " + word[1] + " " + unpadded(word[2]) + " " + unpadded(word[3]) + " "
                            + word[4] + " " + (word.length > 5 ? word[5] : "");
                })
                .collect(Collectors.joining("\n"));
    }

    /** @return nothing when both are the same */
    static String differences(Map<String, String> facts, Map<String, String> readings) {
        return Stream.concat(facts.keySet().stream(), readings.keySet().stream())
                .distinct()
                .sorted()
                .filter(key -> !Objects.equals(facts.get(key), readings.get(key)))
                .map(key -> key + ": the guest says\n" + facts.get(key) + "\nread was\n" + readings.get(key))
                .collect(Collectors.joining("\n"));
    }

    private static String unpadded(String hex) {
        return hex.replaceAll("\\b0+(?=[0-9a-f])", "");
    }

    static String print(Map<String, String> facts) {
        return facts.entrySet().stream()
                .map(e -> "@" + e.getKey() + "\n" + e.getValue() + "\n")
                .collect(Collectors.joining());
    }
}
