package io.decamp.contracts.page;

/**
 * One incarnation of a process's memory; an exec makes a new one.
 *
 * @param id never reused within a generation of the workload; greater than 0
 * @param containerPid the PID as the workload sees it, which is the one in CRIU's image names
 */
public record AddressSpace(long id, int containerPid) {}
