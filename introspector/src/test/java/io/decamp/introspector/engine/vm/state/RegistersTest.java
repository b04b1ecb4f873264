package io.decamp.introspector.engine.vm.state;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.decamp.contracts.criu.UserX86RegsEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RegistersTest {
    private static final long IP = 0x401002;
    private static final long NANOSLEEP = 35;

    private static UserX86RegsEntry.Builder at(long originalAx, long ax) {
        UserX86RegsEntry.Builder regs = UserX86RegsEntry.newBuilder();
        return regs.setOrigAx(originalAx).setAx(ax).setIp(IP);
    }

    @ParameterizedTest
    @ValueSource(longs = {-512, -513, -514})
    void shouldBeginAnInterruptedSystemCallAnew(long result) {
        UserX86RegsEntry.Builder regs = at(NANOSLEEP, result);

        Registers.restart(regs);

        assertEquals(NANOSLEEP, regs.getAx());
        assertEquals(IP - 2, regs.getIp());
    }

    @Test
    void shouldEndASleepWhoseRestIsKnownToTheKernelAlone() {
        UserX86RegsEntry.Builder regs = at(NANOSLEEP, -516);

        Registers.restart(regs);

        assertEquals(-4, regs.getAx());
        assertEquals(IP, regs.getIp());
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 7, -4, -515, -11})
    void shouldLeaveTheResultOfACallThatIsOver(long result) {
        UserX86RegsEntry.Builder regs = at(NANOSLEEP, result);

        Registers.restart(regs);

        assertEquals(result, regs.getAx());
        assertEquals(IP, regs.getIp());
    }

    @Test
    void shouldNotTakeARegisterOfUserCodeForTheResultOfACall() {
        UserX86RegsEntry.Builder regs = at(-1, -512);

        Registers.restart(regs);

        assertEquals(-512, regs.getAx());
        assertEquals(IP, regs.getIp());
    }
}
