/**
 * Stops, releases and ends the processes of one workload inside a VM without anybody's help in the VM. The only place
 * that writes guest memory: what, when and why nothing is left behind is told in {@code docs/out-of-band-safety.md}.
 */
package io.decamp.introspector.engine.vm.freeze;
