package io.decamp.cli;

import picocli.CommandLine.Option;

/** The one option that every command has. */
final class HelpOption {
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "shows this and ends")
    private boolean help;
}
