/** Processes that outlive us, and the keeper of descriptors. */
package io.decamp.linux.spawn;
