package io.decamp.repository;

import java.util.List;

/**
 * A text file of the repository.
 *
 * @param path below the root, with slashes
 */
record Source(String path, String text) {
    boolean isJava() {
        return path.endsWith(".java");
    }

    boolean isMarkdown() {
        return path.endsWith(".md");
    }

    boolean isProduct() {
        return path.contains("/src/main/");
    }

    /** What it is called where it is named without its directory and without its ending. */
    String name() {
        String file = path.substring(path.lastIndexOf('/') + 1);
        int dot = file.indexOf('.');
        return dot < 0 ? file : file.substring(0, dot);
    }

    /** The module's directory: everything above {@code src}. */
    String module() {
        int end = path.indexOf("/src/");
        return end < 0 ? "" : path.substring(0, end);
    }

    /** Without the directories above it, as in the names of its packages. */
    String moduleName() {
        return module().substring(module().lastIndexOf('/') + 1);
    }

    List<String> lines() {
        return text.lines().toList();
    }

    String problem(int lineIndex, String what) {
        return path + ":" + (lineIndex + 1) + ": " + what;
    }
}
