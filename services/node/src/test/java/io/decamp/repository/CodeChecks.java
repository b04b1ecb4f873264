package io.decamp.repository;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** What a file of code may not hold. Each check returns its problems, one line each, none when all is well. */
final class CodeChecks {
    /** A class that is longer has more than one idea. */
    static final int MAX_JAVA_LINES = 400;

    private static final Pattern JNA = Pattern.compile("^import (static )?com\\.sun\\.jna\\b.*");
    private static final Pattern FRAMEWORK = Pattern.compile(
            "^import (static )?(io\\.quarkus|io\\.smallrye|org\\.apache\\.kafka|org\\.eclipse\\.microprofile|jakarta)\\..*");
    private static final Pattern ENGINE = Pattern.compile("^import (static )?io\\.decamp\\.(\\w+)\\.engine\\b.*");
    private static final Pattern SLEEP =
            Pattern.compile("\\bThread\\s*\\.\\s*sleep\\s*\\(|\\bTimeUnit\\.\\w+\\.sleep\\s*\\(");
    /** In pieces, so that this file does not hold them. */
    private static final Pattern UNFINISHED = Pattern.compile("\\b(" + "TO" + "DO|FIX" + "ME|XX" + "X)\\b");

    private static final Pattern REGISTRY = Pattern.compile("\\b(repo1?\\.maven\\.(apache\\.)?org|registry\\.npmjs\\.org"
            + "|(docker|quay|ghcr)\\.io|(deb|ftp|security)\\.debian\\.org|archive\\.ubuntu\\.com|pypi\\.org)\\b");
    private static final Pattern MACHINE =
            Pattern.compile("(^|[\\s'=:(`]|[\\s=(,]\")(/wor" + "k/|/tmp/" + "s/|/home/[a-z]|/ro" + "ot/|/Users/)");

    private CodeChecks() {}

    /** Native calls live in one module, where their constants are compared with the kernel's headers. */
    static List<String> jna(Source source) {
        return source.isJava() && !source.path().startsWith("linux/")
                ? find(source, JNA, "only module linux may use JNA")
                : List.of();
    }

    /** An engine runs in a test, in a command and in any service. */
    static List<String> frameworks(Source source) {
        return isEngine(source) ? find(source, FRAMEWORK, "an engine is plain Java") : List.of();
    }

    static List<String> enginesOfOthers(Source source) {
        if (!isEngine(source)) {
            return List.of();
        }
        List<String> problems = new ArrayList<>();
        List<String> lines = source.lines();
        for (int i = 0; i < lines.size(); i++) {
            var import_ = ENGINE.matcher(lines.get(i));
            if (import_.matches() && !import_.group(2).equals(source.moduleName())) {
                problems.add(source.problem(i, "an engine knows another one only through contracts: " + lines.get(i)));
            }
        }
        return problems;
    }

    /** A wait has a condition. */
    static List<String> sleeps(Source source) {
        return source.isJava() && source.isProduct() ? find(source, SLEEP, "waits without a condition") : List.of();
    }

    static List<String> unfinished(Source source) {
        return find(source, UNFINISHED, "is unfinished");
    }

    static List<String> length(Source source) {
        int lines = source.lines().size();
        return source.isJava() && lines > MAX_JAVA_LINES
                ? List.of(source.path() + ": has " + lines + " lines, at most " + MAX_JAVA_LINES)
                : List.of();
    }

    /** Where a build fetches from is the user's configuration; where somebody's checkout is, nobody's concern. */
    static List<String> places(Source source) {
        List<String> problems = new ArrayList<>(find(source, REGISTRY, "names a registry"));
        problems.addAll(find(source, MACHINE, "names a directory of one machine"));
        return problems;
    }

    private static boolean isEngine(Source source) {
        return source.isJava() && source.isProduct() && source.path().contains("/engine/");
    }

    private static List<String> find(Source source, Pattern pattern, String what) {
        List<String> problems = new ArrayList<>();
        List<String> lines = source.lines();
        for (int i = 0; i < lines.size(); i++) {
            if (pattern.matcher(lines.get(i)).find()) {
                problems.add(source.problem(i, what + ": " + lines.get(i).strip()));
            }
        }
        return problems;
    }
}
