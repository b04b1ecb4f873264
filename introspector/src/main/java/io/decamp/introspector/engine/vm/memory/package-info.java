/** Follows what processes inside a VM write, and reads their pages, from outside. */
package io.decamp.introspector.engine.vm.memory;
