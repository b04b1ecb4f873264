package io.decamp.introspector.engine.vm.state;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import io.decamp.contracts.criu.CoreEntry;
import io.decamp.contracts.criu.FileEntry;
import io.decamp.contracts.criu.FsEntry;
import io.decamp.contracts.criu.InventoryEntry;
import io.decamp.contracts.criu.MmEntry;
import io.decamp.contracts.criu.PagemapEntry;
import io.decamp.contracts.criu.PagemapHead;
import io.decamp.contracts.criu.PstreeEntry;
import io.decamp.contracts.criu.SeccompEntry;
import io.decamp.contracts.criu.TaskKobjIdsEntry;
import io.decamp.contracts.criu.TimensEntry;
import io.decamp.contracts.criu.VmaEntry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/** A directory of CRIU images, read back. */
final class ImageSet {
    private final Map<String, List<Message>> images = new TreeMap<>();

    static ImageSet read(Path directory) {
        ImageSet set = new ImageSet();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.sorted().toList()) {
                String name = file.getFileName().toString();
                if (name.endsWith(".img") && parsers(name) != null) {
                    set.images.put(name, messages(name, Files.readAllBytes(file)));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return set;
    }

    private static List<Parser<? extends Message>> parsers(String name) {
        String kind = name.replaceAll("(-[0-9]+)?\\.img$", "");
        return switch (kind) {
            case "core" -> List.of(CoreEntry.parser());
            case "mm" -> List.of(MmEntry.parser());
            case "pstree" -> List.of(PstreeEntry.parser());
            case "ids" -> List.of(TaskKobjIdsEntry.parser());
            case "fs" -> List.of(FsEntry.parser());
            case "pagemap" -> List.of(PagemapHead.parser(), PagemapEntry.parser());
            case "inventory" -> List.of(InventoryEntry.parser());
            case "files" -> List.of(FileEntry.parser());
            case "timens" -> List.of(TimensEntry.parser());
            case "seccomp" -> List.of(SeccompEntry.parser());
            default -> null;
        };
    }

    private static List<Message> messages(String name, byte[] content) throws InvalidProtocolBufferException {
        ByteBuffer file = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
        file.position(name.startsWith("inventory") ? 4 : 8);
        List<Parser<? extends Message>> parsers = parsers(name);
        List<Message> messages = new ArrayList<>();
        while (file.hasRemaining()) {
            byte[] message = new byte[file.getInt()];
            file.get(message);
            messages.add(parsers.get(Math.min(messages.size(), parsers.size() - 1)).parseFrom(message));
        }
        return messages;
    }

    Map<String, List<Message>> images() {
        return images;
    }

    <T extends Message> List<T> of(String name, Class<T> type) {
        return images.get(name).stream().filter(type::isInstance).map(type::cast).toList();
    }

    /** The name of each file by its number in {@code files.img}. */
    private Map<Integer, String> names() {
        Map<Integer, String> names = new LinkedHashMap<>();
        of("files.img", FileEntry.class).stream()
                .filter(FileEntry::hasReg)
                .forEach(file -> names.put(file.getId(), file.getReg().getName()));
        return names;
    }

    /** All values by the path to each: {@code core-1.img[0].tc.timers.real.isec}; numbers of files as their names. */
    Map<String, String> values() {
        Map<String, String> values = new TreeMap<>();
        Map<Integer, String> names = names();
        images.forEach((name, messages) -> {
            if (name.startsWith("pagemap") || name.equals("files.img")) {
                return;
            }
            for (int i = 0; i < messages.size(); i++) {
                Message message = messages.get(i);
                if (message instanceof MmEntry mm) {
                    areas(name, mm, names, values);
                    message = mm.toBuilder().clearVmas().build();
                }
                flatten(name + "[" + i + "]", message, names, values);
            }
        });
        return values;
    }

    /** Adjacent mappings that differ in nothing are one: the kernel joins them when they are made anew. */
    private static void areas(String image, MmEntry mm, Map<Integer, String> names, Map<String, String> values) {
        String joined = "";
        long end = 0;
        long offset = 0;
        long start = 0;
        for (VmaEntry area : mm.getVmasList()) {
            String like = "prot " + area.getProt() + " flags " + area.getFlags() + " status " + area.getStatus()
                    + " madv "
                    + Long.toHexString(area.getMadv()) + " open " + area.getFdflags() + " of "
                    + names.getOrDefault((int) area.getShmid(), "-");
            boolean file = area.getShmid() != 0;
            if (!like.equals(joined) || area.getStart() != end || file && area.getPgoff() != offset) {
                start = area.getStart();
            }
            joined = like;
            end = area.getEnd();
            offset = area.getPgoff() + area.getEnd() - area.getStart();
            values.put(image + ".at-" + Long.toHexString(start), "to " + Long.toHexString(end) + " " + like);
        }
    }

    /** Addresses of all pages that a process has in its pagemap. */
    TreeSet<Long> pages(int pid) {
        TreeSet<Long> pages = new TreeSet<>();
        for (PagemapEntry run : of("pagemap-" + pid + ".img", PagemapEntry.class)) {
            for (int i = 0; i < run.getCompatNrPages(); i++) {
                pages.add(run.getVaddr() + i * 4096L);
            }
        }
        return pages;
    }

    List<Integer> pids() {
        return of("pstree.img", PstreeEntry.class).stream()
                .map(PstreeEntry::getPid)
                .filter(pid -> images.containsKey("mm-" + pid + ".img"))
                .toList();
    }

    private static void flatten(String path, Message message, Map<Integer, String> names, Map<String, String> values) {
        for (Map.Entry<FieldDescriptor, Object> field : message.getAllFields().entrySet()) {
            String at = path + "." + field.getKey().getName();
            if (field.getValue() instanceof List<?> list) {
                for (int i = 0; i < list.size(); i++) {
                    value(at + "[" + i + "]", list.get(i), names, values);
                }
            } else {
                value(at, field.getValue(), names, values);
            }
        }
        if (!message.getUnknownFields().asMap().isEmpty()) {
            values.put(path + ".unknown", message.getUnknownFields().asMap().keySet().toString());
        }
    }

    private static void value(String path, Object value, Map<Integer, String> names, Map<String, String> values) {
        if (value instanceof Message message) {
            flatten(path, message, names, values);
        } else if (path.matches(".*(exe_file_id|cwd_id|root_id|shmid)")) {
            values.put(path, names.getOrDefault(((Number) value).intValue(), value.toString()));
        } else if (value instanceof com.google.protobuf.ByteString bytes) {
            values.put(path, java.util.HexFormat.of().formatHex(bytes.toByteArray()));
        } else if (value instanceof Long number) {
            values.put(path, "0x" + Long.toHexString(number));
        } else {
            values.put(path, value.toString());
        }
    }

    /** What differs, as lines for people. @param allowed patterns of whole paths that may differ, with their reasons */
    static List<String> differences(ImageSet one, ImageSet other, Map<String, String> allowed) {
        Map<String, String> left = one.values();
        Map<String, String> right = other.values();
        List<String> different = new ArrayList<>();
        TreeMap<String, String> all = new TreeMap<>(left);
        right.forEach(all::putIfAbsent);
        for (String path : all.keySet()) {
            String a = left.get(path);
            String b = right.get(path);
            boolean may = allowed.keySet().stream().anyMatch(path::matches);
            if (!may && !(a == null ? "-" : a).equals(b == null ? "-" : b)) {
                different.add(path + ": " + a + " / " + b);
            }
        }
        return different;
    }
}
