package io.decamp.restorer.engine.vm;

import com.fasterxml.jackson.databind.JsonNode;
import io.decamp.contracts.error.DecampException;
import io.decamp.linux.qemu.Qmp;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Where devices can be plugged into a running machine: on the root bus of the pc machine; into empty PCIe root ports
 * of others, whose root bus does not take them then. A slot has eight functions, each of which can be a device: the
 * guest looks at a slot when function 0 comes, so that comes last, and all of them appear together.
 */
final class Slots {
    /** PCI's class of a bridge from PCI to PCI. */
    private static final int BRIDGE_CLASS = 0x0604;

    private static final int FUNCTIONS = 8;
    private static final int SLOTS_OF_A_BUS = 32;

    /** @param bus QEMU's id of it; empty for the root bus */
    record Slot(String bus, int number) {
        Map<String, Object> place(int function, int functions) {
            Map<String, Object> place = new HashMap<>();
            place.put("addr", String.format("%02x.%d", number, function));
            if (functions > 1) {
                place.put("multifunction", true);
            }
            if (!bus.isEmpty()) {
                place.put("bus", bus);
            }
            return place;
        }
    }

    private final Qmp qmp;
    private final RecentSlots recent;
    private final JsonNode buses;
    private Deque<Slot> free;
    private boolean onRootBus = true;

    Slots(Qmp qmp, RecentSlots recent) {
        this.qmp = qmp;
        this.recent = recent;
        this.buses = qmp.execute("query-pci");
        this.free = recent.longestUnusedFirst(freeOnRootBus(buses));
    }

    /** @param devices arguments of device_add but for the place. @throws DecampException {@code vm-no-slot} */
    void add(List<Map<String, String>> devices) {
        for (int from = 0; from < devices.size(); from += FUNCTIONS) {
            List<Map<String, String>> together = devices.subList(from, Math.min(devices.size(), from + FUNCTIONS));
            Slot slot = next();
            for (int function = together.size() - 1; function >= 0; function--) {
                slot = add(together.get(function), slot, function, together.size());
            }
        }
    }

    /** @return the slot that it went to */
    private Slot add(Map<String, String> device, Slot slot, int function, int functions) {
        Map<String, Object> arguments = new HashMap<>(device);
        arguments.putAll(slot.place(function, functions));
        try {
            qmp.execute("device_add", arguments);
            return slot;
        } catch (DecampException refusal) {
            if (!onRootBus || !refusal.getMessage().contains("does not support hotplug")) {
                throw refusal;
            }
            onRootBus = false;
            free = recent.longestUnusedFirst(emptyPorts(buses));
            return add(device, next(), function, functions);
        }
    }

    private Slot next() {
        if (free.isEmpty()) {
            throw DecampException.abort(
                    "vm-no-slot",
                    "The VM has no PCI slot left for a disk" + (onRootBus ? "" : ": no empty pcie-root-port"),
                    "A copy needs one for every eight of its processes and its images, until it runs: start QEMU with"
                            + " more -device pcie-root-port,id=...",
                    null);
        }
        Slot slot = free.removeFirst();
        recent.use(List.of(slot));
        return slot;
    }

    /** Where the devices are whose id begins with {@code mark}. @param buses the answer to query-pci */
    static Set<Slot> taken(JsonNode buses, String mark) {
        Set<Slot> slots = new HashSet<>();
        buses.path(0).path("devices").forEach(device -> {
            if (device.path("qdev_id").asText().startsWith(mark)) {
                slots.add(new Slot("", device.path("slot").asInt()));
            }
            device.path("pci_bridge").path("devices").forEach(behind -> {
                if (behind.path("qdev_id").asText().startsWith(mark)) {
                    slots.add(new Slot(device.path("qdev_id").asText(), 0));
                }
            });
        });
        return slots;
    }

    /** @param buses the answer to query-pci (qapi/pci.json) */
    static Deque<Slot> freeOnRootBus(JsonNode buses) {
        Set<Integer> taken = new HashSet<>();
        buses.path(0).path("devices").forEach(device -> taken.add(device.path("slot").asInt()));
        Deque<Slot> free = new ArrayDeque<>();
        for (int slot = 1; slot < SLOTS_OF_A_BUS; slot++) {
            if (!taken.contains(slot)) {
                free.add(new Slot("", slot));
            }
        }
        return free;
    }

    /** @param buses the answer to query-pci; a bridge's id is the name of its bus */
    static Deque<Slot> emptyPorts(JsonNode buses) {
        Deque<Slot> empty = new ArrayDeque<>();
        for (JsonNode bus : buses) {
            for (JsonNode device : bus.path("devices")) {
                boolean bridge = device.path("class_info").path("class").asInt() == BRIDGE_CLASS;
                String id = device.path("qdev_id").asText();
                if (bridge && !id.isEmpty() && device.path("pci_bridge").path("devices").isEmpty()) {
                    empty.add(new Slot(id, 0));
                }
            }
        }
        return empty;
    }
}
