package io.decamp.restorer.engine.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import org.junit.jupiter.api.Test;

class SlotsTest {
    /** query-pci of a q35 machine with a disk in one root port, and two that are empty, shortened. */
    private static final String Q35 =
            """
            [{"bus": 0, "devices": [
              {"bus": 0, "slot": 0, "qdev_id": "", "class_info": {"class": 1536}},
              {"bus": 0, "slot": 1, "qdev_id": "rp0", "class_info": {"class": 1540},
               "pci_bridge": {"bus": {"number": 0}, "devices": [{"qdev_id": "disk", "class_info": {"class": 256}}]}},
              {"bus": 0, "slot": 2, "qdev_id": "rp1", "class_info": {"class": 1540}, "pci_bridge": {"bus": {"number": 0}}},
              {"bus": 0, "slot": 3, "qdev_id": "rp2", "class_info": {"class": 1540},
               "pci_bridge": {"bus": {"number": 0}, "devices": []}},
              {"bus": 0, "slot": 4, "qdev_id": "", "class_info": {"class": 1540}, "pci_bridge": {"bus": {"number": 0}}}]}]
            """;

    @Test
    void shouldFindRootPortsWithNothingInThem() throws JsonProcessingException {
        assertEquals(List.of("rp1", "rp2"), List.copyOf(Slots.emptyPorts(new ObjectMapper().readTree(Q35))));
    }
}
