/** Workloads inside the VMs of a node: found, checked, frozen, killed, all from outside. */
package io.decamp.introspector.engine.vm.runtime;
