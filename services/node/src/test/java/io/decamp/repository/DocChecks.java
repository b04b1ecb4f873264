package io.decamp.repository;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What documents may not say: what is not there. And what they must not leave out. */
final class DocChecks {
    private static final Pattern LINK = Pattern.compile("\\]\\(([^()\\s]+)\\)");
    private static final Pattern HEADING = Pattern.compile("(?m)^#{1,6} +(.+?) *$");
    /** {@code SomeTest#method} and {@code SomeTest}, in backticks. */
    private static final Pattern TEST = Pattern.compile("`(\\w+(?:Test|Benchmark))(?:#(\\w+))?`");
    /** A path that begins with a directory of ours, in backticks. */
    private static final Pattern FILE =
            Pattern.compile("`((?:deploy|docs|contracts|linux|testkit|services|transfer)/[\\w./-]*\\w)`");
    private static final Pattern CODE = Pattern.compile("\\b(?:refused|retry|abort|fatal)\\(\\s*\"([a-z]+(?:-[a-z]+)+)\""
            + "|Category\\.[A-Z]+,\\s*\"([a-z]+(?:-[a-z]+)+)\"");
    private static final Pattern SETTING = Pattern.compile("\\bin\\.(?:text|required|bytes|flag|count)\\(\"([a-z.-]+)\"");

    private DocChecks() {}

    /** Links to files and to headings; those to other sites are not followed. */
    static List<String> links(Source document, Collection<Source> tree) {
        Map<String, Source> byPath = tree.stream().collect(Collectors.toMap(Source::path, Function.identity()));
        Set<String> directories = new TreeSet<>();
        byPath.keySet().forEach(path -> {
            for (Path up = Path.of(path).getParent(); up != null; up = up.getParent()) {
                directories.add(up.toString());
            }
        });
        List<String> problems = new ArrayList<>();
        for (String link : found(LINK, document.text(), 1)) {
            if (link.matches("[a-z]+:.*")) {
                continue;
            }
            String[] parts = link.split("#", 2);
            String target = parts[0].isEmpty()
                    ? document.path()
                    : Path.of(document.path()).resolveSibling(parts[0]).normalize().toString();
            if (!byPath.containsKey(target) && !directories.contains(target)) {
                problems.add(document.path() + ": links to " + link + ", which is not there");
            } else if (parts.length > 1 && !headings(byPath.get(target).text()).contains(parts[1])) {
                problems.add(document.path() + ": links to " + link + ", which has no such heading");
            }
        }
        return problems;
    }

    /** As GitHub makes them. */
    private static Set<String> headings(String text) {
        return found(HEADING, text, 1).stream()
                .map(h -> h.toLowerCase(Locale.ROOT).replaceAll("[^\\w -]", "").replace(' ', '-'))
                .collect(Collectors.toSet());
    }

    /** A promise is held by a test that exists. */
    static List<String> testsAndFiles(Source document, Collection<Source> tree) {
        List<String> problems = new ArrayList<>();
        TEST.matcher(document.text()).results().forEach(named -> {
            String method = named.group(2);
            boolean there = tree.stream()
                    .filter(s -> s.isJava() && s.path().contains("/src/test/") && s.name().equals(named.group(1)))
                    .anyMatch(s -> method == null || s.text().contains("void " + method + "("));
            if (!there) {
                problems.add(document.path() + ": names " + named.group() + ", which is not there");
            }
        });
        for (String file : found(FILE, document.text(), 1)) {
            if (tree.stream().noneMatch(s -> s.path().equals(file) || s.path().startsWith(file + "/"))) {
                problems.add(document.path() + ": names " + file + ", which is not there");
            }
        }
        return problems;
    }

    /** @param words each must be in the document between backticks, or as a word of its own in a script */
    static List<String> mentions(Source document, Collection<String> words) {
        return words.stream()
                .filter(word -> !Pattern.compile("(?m)(^|[\\s`])" + Pattern.quote(word) + "([\\s`]|$)")
                        .matcher(document.text())
                        .find())
                .map(word -> document.path() + ": does not mention " + word)
                .toList();
    }

    /** The codes of errors that a file may throw. */
    static Set<String> errorCodes(Source source) {
        Set<String> codes = new TreeSet<>(found(CODE, source.text(), 1));
        codes.addAll(found(CODE, source.text(), 2));
        return codes;
    }

    /** The settings that the configuration reads. */
    static Set<String> settings(Source source) {
        return found(SETTING, source.text(), 1);
    }

    private static Set<String> found(Pattern pattern, String text, int group) {
        return pattern.matcher(text)
                .results()
                .map(result -> result.group(group))
                .filter(word -> word != null)
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }
}
