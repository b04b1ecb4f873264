package io.decamp.broker;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.logging.ConsoleHandler;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * One broker as a process of its own, outside all nodes:
 * {@code java -cp decamp-broker.jar io.decamp.broker.Main --dir D --listen HOST:PORT [--advertise HOST:PORT]}.
 * Prints {@code broker ready on HOST:PORT} when clients may come, and stops cleanly on SIGTERM. 128 MiB of heap and the
 * serial collector are enough: {@code -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1}.
 *
 * <p>Exit status: 143 stopped by SIGTERM, 1 the broker failed, 2 wrong arguments. Warnings go to stderr.
 */
public final class Main {
    private static final String USAGE = "Usage: --dir DIRECTORY --listen HOST:PORT [--advertise HOST:PORT]";
    private static final int FAILED = 1;
    private static final int WRONG_ARGUMENTS = 2;

    private Main() {}

    public static void main(String[] args) throws InterruptedException {
        logToStderr();
        Arguments arguments;
        try {
            arguments = Arguments.parse(args);
        } catch (IllegalArgumentException e) {
            System.err.println(e.getMessage() + "\n" + USAGE);
            System.exit(WRONG_ARGUMENTS);
            return;
        }
        LocalBroker broker;
        try {
            broker = arguments.start();
        } catch (LocalBroker.BrokerFailedException e) {
            report(System.err, e);
            // Kafka leaves threads behind when it fails half-way
            Runtime.getRuntime().halt(FAILED);
            return;
        }
        Runtime.getRuntime().addShutdownHook(new Thread(broker::close, "broker-stop"));
        System.out.println("broker ready on " + broker.bootstrap());
        System.out.flush();
        new CountDownLatch(1).await();
    }

    private static void logToStderr() {
        System.setProperty("java.util.logging.manager", "org.jboss.logmanager.LogManager");
        Logger root = Logger.getLogger("");
        root.setLevel(Level.WARNING);
        for (Handler handler : root.getHandlers()) {
            root.removeHandler(handler);
        }
        root.addHandler(new ConsoleHandler());
    }

    private static void report(PrintStream out, Throwable failure) {
        String prefix = "";
        for (Throwable t = failure; t != null; t = t.getCause()) {
            out.println(prefix + t.getMessage());
            prefix = "caused by: " + t.getClass().getSimpleName() + ": ";
        }
        out.flush();
    }

    /** What the command line says. */
    record Arguments(Path directory, Endpoint listen, Endpoint advertised) {

        static Arguments parse(String[] args) {
            Path directory = null;
            Endpoint listen = null;
            Endpoint advertised = null;
            if (args.length % 2 != 0) {
                throw new IllegalArgumentException("An option has no value");
            }
            for (int i = 0; i < args.length; i += 2) {
                switch (args[i]) {
                    case "--dir" -> directory = Path.of(args[i + 1]);
                    case "--listen" -> listen = Endpoint.parse(args[i + 1]);
                    case "--advertise" -> advertised = Endpoint.parse(args[i + 1]);
                    default -> throw new IllegalArgumentException("Unknown option " + args[i]);
                }
            }
            if (directory == null || listen == null) {
                throw new IllegalArgumentException("--dir and --listen are needed");
            }
            return new Arguments(directory, listen, advertised);
        }

        LocalBroker start() {
            return advertised == null
                    ? LocalBroker.start(directory, listen)
                    : LocalBroker.start(directory, listen, advertised);
        }
    }
}
