/** Reads and writes the memory of other processes. */
package io.decamp.linux.memory;
