package io.decamp.restorer.engine.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.decamp.restorer.engine.vm.Slots.Slot;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SlotsTest {
    /** query-pci of a q35 machine with a disk in one root port, and two that are empty, shortened. */
    private static final String Q35 =
            """
            [{"bus": 0, "devices": [
              {"bus": 0, "slot": 0, "qdev_id": "", "class_info": {"class": 1536}},
              {"bus": 0, "slot": 1, "qdev_id": "rp0", "class_info": {"class": 1540},
               "pci_bridge": {"bus": {"number": 0}, "devices": [{"qdev_id": "disk", "class_info": {"class": 256}}]}},
              {"bus": 0, "slot": 2, "qdev_id": "rp1", "class_info": {"class": 1540},
               "pci_bridge": {"bus": {"number": 0}}},
              {"bus": 0, "slot": 3, "qdev_id": "rp2", "class_info": {"class": 1540},
               "pci_bridge": {"bus": {"number": 0}, "devices": []}},
              {"bus": 0, "slot": 4, "qdev_id": "", "class_info": {"class": 1540},
               "pci_bridge": {"bus": {"number": 0}}}]}]
            """;

    @Test
    void shouldFindRootPortsWithNothingInThem() throws JsonProcessingException {
        assertEquals(List.of(new Slot("rp1", 0), new Slot("rp2", 0)), List.copyOf(Slots.emptyPorts(buses())));
    }

    @Test
    void shouldFindSlotsOfTheRootBusThatNobodyHas() throws JsonProcessingException {
        List<Slot> free = List.copyOf(Slots.freeOnRootBus(buses()));

        assertEquals(27, free.size());
        assertEquals(new Slot("", 5), free.getFirst());
        assertEquals(new Slot("", 31), free.getLast());
    }

    @Test
    void shouldTellWhereDevicesAre() throws JsonProcessingException {
        assertEquals(Set.of(new Slot("rp0", 0)), Slots.taken(buses(), "di"));
        assertEquals(Set.of(new Slot("", 2), new Slot("", 3), new Slot("", 1)), Slots.taken(buses(), "rp"));
    }

    @Test
    void shouldPreferSlotsThatWereNotUsedForLong() {
        RecentSlots recent = new RecentSlots();
        List<Slot> free = List.of(new Slot("", 3), new Slot("", 4), new Slot("", 5), new Slot("", 6));
        recent.use(List.of(new Slot("", 5), new Slot("", 3)));
        recent.use(List.of(new Slot("", 4)));
        recent.use(List.of(new Slot("", 5)));

        List<Integer> order = recent.longestUnusedFirst(free).stream().map(Slot::number).toList();

        assertEquals(List.of(6, 3, 4, 5), order);
    }

    @Test
    void shouldMarkFunctionsOfASharedSlotOnly() {
        assertEquals(Map.of("addr", "10.0"), new Slot("", 16).place(0, 1));
        assertEquals(Map.of("addr", "00.7", "multifunction", true, "bus", "rp1"), new Slot("rp1", 0).place(7, 8));
    }

    private static JsonNode buses() throws JsonProcessingException {
        return new ObjectMapper().readTree(Q35);
    }
}
