package io.decamp.testkit.load;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * The load generator as a process of its own, so that it can run in a node and on a processor of its choice. Arguments:
 * PROTOCOL PORT CONNECTIONS KEYS VALUE_BYTES SET_PERCENT. Each line of its input is a command, each line of its output
 * that command's result: {@code fill}, {@code saturate SECONDS SEED}, {@code pace PER_SECOND SECONDS SEED}. Ends with its
 * input.
 */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws IOException {
        int[] n = new int[args.length];
        for (int i = 1; i < args.length; i++) {
            n[i] = Integer.parseInt(args[i]);
        }
        KeyProtocol protocol = KeyProtocol.valueOf(args[0].toUpperCase(Locale.ROOT));
        var commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        try (KeyLoad load = new KeyLoad(protocol, n[1], n[2], n[3], n[4], n[5])) {
            System.out.println("ready");
            for (String line = commands.readLine(); line != null; line = commands.readLine()) {
                KeyLoad.Window w = run(load, line.split(" "));
                System.out.printf(
                        Locale.ROOT,
                        "%d %.6f %.3f %.3f %.3f %.3f %d%n",
                        w.answers(), w.seconds(), w.p50(), w.p99(), w.p999(), w.max(), w.wrong());
            }
        } catch (IOException e) {
            System.out.println("failed: " + e.getMessage());
            System.exit(1);
        }
    }

    private static KeyLoad.Window run(KeyLoad load, String[] word) throws IOException {
        return switch (word[0]) {
            case "fill" -> load.fill();
            case "saturate" -> load.saturate(Double.parseDouble(word[1]), Long.parseLong(word[2]));
            case "pace" ->
                load.pace(Double.parseDouble(word[1]), Double.parseDouble(word[2]), Long.parseLong(word[3]));
            default -> throw new IOException("Unknown command " + word[0]);
        };
    }
}
