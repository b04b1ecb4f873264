package io.decamp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RebalanceOptionsTest {
    private static int rebalance(String... options) {
        String[] all = new String[options.length + 3];
        System.arraycopy(new String[] {"rebalance", "--bootstrap-servers", "127.0.0.1:1"}, 0, all, 0, 3);
        System.arraycopy(options, 0, all, 3, options.length);
        return Main.commandLine().execute(all);
    }

    @ParameterizedTest
    @CsvSource({
        "--threshold,10",
        "--threshold,0%",
        "--threshold,101%",
        "--threshold,1kB",
        "--threshold,ten",
        "--max-moves,0",
        "--max-moves,many",
        "--parallel,9",
        "--wait-seconds,0",
        "--by,gut"
    })
    void shouldNotStartWithOptionsThatAreNone(String name, String value) {
        assertEquals(ExitCode.USAGE, rebalance(name, value));
    }

    @Test
    void shouldNotStartWithoutABroker() {
        assertEquals(ExitCode.USAGE, rebalance());
    }
}
