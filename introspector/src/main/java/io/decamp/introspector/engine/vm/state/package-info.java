/** What a guest's kernel knows of the processes of a workload, and the CRIU images that say it. */
package io.decamp.introspector.engine.vm.state;
