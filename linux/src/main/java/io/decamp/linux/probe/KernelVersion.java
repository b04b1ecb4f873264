package io.decamp.linux.probe;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A kernel release: for reports and for testing the probes. What the kernel can do is asked by a {@link
 * KernelFeature}.
 */
public record KernelVersion(int major, int minor) implements Comparable<KernelVersion> {
    private static final Pattern RELEASE = Pattern.compile("(\\d+)\\.(\\d+).*");

    public static KernelVersion running() {
        return parse(System.getProperty("os.version"));
    }

    /** @param release as {@code uname -r} prints it: {@code 6.18.44-cloud-amd64} */
    public static KernelVersion parse(String release) {
        Matcher matcher = RELEASE.matcher(release);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("not a kernel release: " + release);
        }
        return new KernelVersion(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
    }

    @Override
    public int compareTo(KernelVersion other) {
        return major != other.major ? Integer.compare(major, other.major) : Integer.compare(minor, other.minor);
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}
