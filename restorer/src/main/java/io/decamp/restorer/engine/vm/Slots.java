package io.decamp.restorer.engine.vm;

import com.fasterxml.jackson.databind.JsonNode;
import io.decamp.contracts.error.DecampException;
import io.decamp.linux.qemu.Qmp;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * Where devices can be plugged into a running machine: on the root bus of the pc machine; into an empty PCIe root port of
 * others, which don't take devices on the root bus then.
 */
final class Slots {
    /** PCI's class of a bridge from PCI to PCI. */
    private static final int BRIDGE_CLASS = 0x0604;

    private final Qmp qmp;
    /** Null: the root bus takes devices, as far as is known. */
    private Deque<String> ports;

    Slots(Qmp qmp) {
        this.qmp = qmp;
    }

    /** @throws DecampException {@code vm-no-slot} */
    void add(Map<String, String> device) {
        if (ports == null) {
            try {
                qmp.execute("device_add", device);
                return;
            } catch (DecampException refusal) {
                if (!refusal.getMessage().contains("does not support hotplugging")) {
                    throw refusal.getMessage().contains("slot") ? full(refusal) : refusal;
                }
                ports = emptyPorts(qmp.execute("query-pci"));
            }
        }
        if (ports.isEmpty()) {
            throw full(null);
        }
        Map<String, String> plugged = new HashMap<>(device);
        plugged.put("bus", ports.removeFirst());
        qmp.execute("device_add", plugged);
    }

    /** @param buses the answer to query-pci (qapi/pci.json); a bridge's id is the name of its bus */
    static Deque<String> emptyPorts(JsonNode buses) {
        Deque<String> empty = new ArrayDeque<>();
        for (JsonNode bus : buses) {
            for (JsonNode device : bus.path("devices")) {
                boolean bridge = device.path("class_info").path("class").asInt() == BRIDGE_CLASS;
                String id = device.path("qdev_id").asText();
                if (bridge && !id.isEmpty() && device.path("pci_bridge").path("devices").isEmpty()) {
                    empty.add(id);
                }
            }
        }
        return empty;
    }

    private static DecampException full(DecampException refusal) {
        return DecampException.abort(
                "vm-no-slot",
                "The VM has no PCI slot left for a disk" + (refusal == null ? ": no empty pcie-root-port" : ""),
                "A copy needs one for its images and one for each of its processes, until it runs: start QEMU with more"
                        + " -device pcie-root-port,id=...",
                refusal);
    }
}
