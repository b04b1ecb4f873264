package io.decamp.restorer.engine.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.qemu.GuestAgent.Ended;
import org.junit.jupiter.api.Test;

class GuestReportTest {
    private static GuestReport said(String output) {
        return new GuestReport(new Ended(0, output, ""));
    }

    @Test
    void shouldReadWhatAScriptSays() {
        GuestReport report = said("init 12\nboot a b\nempty\n");

        assertFalse(report.failed());
        assertEquals(12, report.number("init", 1, 12));
        assertEquals("a b", report.text("boot"));
        assertTrue(report.says("empty", ""));
    }

    @Test
    void shouldTrustNoNumberOfAGuest() {
        GuestReport report = said("big 99999999999999999999\nzero 0\ntext x\ntwice 1\ntwice 1\n");

        for (String name : new String[] {"big", "zero", "text", "twice", "missing"}) {
            DecampException e = assertThrows(DecampException.class, () -> report.number(name, 1, Integer.MAX_VALUE));
            assertEquals("vm-guest-script", e.code(), name);
        }
    }

    @Test
    void shouldPassOnCriusReasonsWithoutTimesAndSourceLines() {
        GuestReport report = said("status 1\ncriu (00.1) Error (criu/files.c:7): Can't open x\n"
                + "error restore-failed status 1\n");

        DecampException e = report.failure("b");

        assertTrue(report.failed());
        assertEquals("restore-failed", e.code());
        assertEquals("criu can't restore the copy in VM b: Can't open x", e.getMessage());
    }

    @Test
    void shouldSayWhatWasPrintedWhenCriuLoggedNothing() {
        GuestReport report = said("output first\noutput Out of memory: Killed process 7 (criu)\n"
                + "error restore-failed status 137\n");

        DecampException e = report.failure("b");

        assertEquals(
                "criu can't restore the copy in VM b: status 137; Out of memory: Killed process 7 (criu)",
                e.getMessage());
    }

    @Test
    void shouldNameAllThatIsMissingWithinReason() {
        StringBuilder output = new StringBuilder();
        for (int i = 0; i < 25; i++) {
            output.append("missing /f").append(i).append('\n');
        }
        GuestReport report = said(output + "error vm-files-missing see above\n");

        DecampException e = report.failure("b");

        assertTrue(e.getMessage().endsWith("/f18, /f19 and 5 more"), e.getMessage());
    }

    @Test
    void shouldTakeNothingThatAGuestPrintsForACode() {
        GuestReport report = said("error Not A Code\n");

        assertEquals("vm-guest-script", report.failure("b").code());
    }

    @Test
    void shouldTellOfAScriptThatEndedWithoutAWord() {
        GuestReport report = new GuestReport(new Ended(127, "", "sh: not found\n"));

        assertTrue(report.failed());
        assertTrue(report.failure("b").getMessage().contains("127: sh: not found"));
    }
}
