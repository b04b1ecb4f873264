package io.decamp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AlertsCommandTest {
    private static final int SIGTERM_STATUS = 128 + 15;

    private static int alerts(String... options) {
        String[] all = new String[options.length + 3];
        System.arraycopy(new String[] {"alerts", "--bootstrap-servers", "127.0.0.1:1"}, 0, all, 0, 3);
        System.arraycopy(options, 0, all, 3, options.length);
        return Main.commandLine().execute(all);
    }

    @ParameterizedTest
    @CsvSource({
        "--listen,0.0.0.0:0",
        "--listen,9098",
        "--listen,127.0.0.1:99999",
        "--listen,no-such-host.invalid:9098",
        "--token-file,no-such-file",
        "--min-probability,1.5",
        "--min-probability,likely",
        "--valid-for,60",
        "--valid-for,1us",
        "--map,10.1.2.3=a b"
    })
    void shouldNotStartWithOptionsThatAreNone(String name, String value) {
        assertEquals(ExitCode.USAGE, alerts(name, value));
    }

    @Test
    void shouldNotStartWhereItsPortIsTaken() throws IOException {
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertEquals(ExitCode.USAGE, alerts("--listen", "127.0.0.1:" + other.getLocalPort()));
        }
    }

    @Test
    void shouldNotStartWithoutABroker() {
        assertEquals(ExitCode.USAGE, alerts("--listen", "127.0.0.1:0"));
    }

    @Test
    void shouldListenUntilItIsEndedAndThenEndCleanly(@TempDir Path directory) throws Exception {
        try (FakeFleet fleet = new FakeFleet(directory)) {
            Process process = new ProcessBuilder(List.of(
                            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                            "-cp",
                            System.getProperty("java.class.path"),
                            "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
                            Main.class.getName(),
                            "alerts",
                            "--bootstrap-servers",
                            fleet.bootstrap(),
                            "--listen",
                            "127.0.0.1:0"))
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            try (BufferedReader output = process.inputReader()) {
                String first = output.readLine();
                assertTrue(first != null && first.contains("listening on 127.0.0.1:"), () -> "said " + first);

                // Process#destroy would close the output, too
                process.toHandle().destroy();

                assertTrue(process.waitFor(FakeFleet.LIMIT.toSeconds(), TimeUnit.SECONDS));
                assertEquals(SIGTERM_STATUS, process.exitValue());
                assertTrue(output.readLine().endsWith("stopped"));
            } finally {
                process.destroyForcibly();
            }
        }
    }
}
