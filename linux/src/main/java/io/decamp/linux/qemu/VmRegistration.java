package io.decamp.linux.qemu;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A VM of this node.
 *
 * @param name by which workload ids name it; of this node alone
 * @param qmp a monitor socket that nobody else uses
 * @param agent socket of its guest agent; only a VM that receives workloads needs one
 * @param receives whether workloads that move to this node are brought to life in it
 */
public record VmRegistration(String name, Path qmp, Optional<Path> agent, boolean receives) {}
