/** Workloads as sets of processes, and what a node must remember of them. */
package io.decamp.linux.workload;
