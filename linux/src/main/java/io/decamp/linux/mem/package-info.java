/** Files in memory, mapped. */
package io.decamp.linux.mem;
