/**
 * What the processes of a workload inside a VM have open, read from the guest's memory and written as CRIU's images:
 * descriptors, descriptions behind them, contents of pipes, sockets and files. {@link
 * io.decamp.introspector.engine.vm.files.FileImages} is the way in.
 */
package io.decamp.introspector.engine.vm.files;
