package io.decamp.cli.bench;

import com.sun.management.HotSpotDiagnosticMXBean;
import io.decamp.cli.Main;
import io.decamp.cli.launch.NodePlan;
import io.decamp.testkit.Repository;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The command line starts quickly because it compiles quickly, without the AES and the loops of the optimizing compiler:
 * what measures those runs again, in a JVM as a node has it.
 */
public final class OptimizingJvm {
    /** HotSpot's C2. */
    private static final int OPTIMIZING_LEVEL = 4;

    private OptimizingJvm() {}

    /** Whether this process is one. */
    public static boolean here() {
        String level = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
                .getVMOption("TieredStopAtLevel")
                .getValue();
        return Integer.parseInt(level) == OPTIMIZING_LEVEL;
    }

    /** @param words of the command line, without the program's name @return its exit status */
    public static int run(List<String> words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(NodePlan.Service.NODE.jvm());
        command.addFirst(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-Ddecamp.root=" + Repository.root());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(words);
        Process optimizing = new ProcessBuilder(command).inheritIO().start();
        // told to end, it cleans up after itself; this one may be told alone
        Thread atExit = new Thread(() -> end(optimizing), "end-of-bench");
        Runtime.getRuntime().addShutdownHook(atExit);
        int status = optimizing.waitFor();
        Runtime.getRuntime().removeShutdownHook(atExit);
        return status;
    }

    private static void end(Process optimizing) {
        optimizing.destroy();
        optimizing.onExit().join();
    }
}
