/** Cgroups as far as they freeze tasks. */
package io.decamp.linux.cgroup;
