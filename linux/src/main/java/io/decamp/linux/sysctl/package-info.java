/** Settings of the whole machine, with their way back. */
package io.decamp.linux.sysctl;
