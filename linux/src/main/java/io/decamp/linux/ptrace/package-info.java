/** Stops a thread of another process for a few microseconds to make system calls there. */
package io.decamp.linux.ptrace;
