/** Finds, freezes, thaws and kills workloads on their source, through criu, runc and the cgroup freezer. */
package io.decamp.introspector.engine.runtime;
