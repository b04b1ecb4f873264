/**
 * Brings copies to life, holds, releases and destroys them on their destination, through criu, runc and the
 * cgroup freezer.
 */
package io.decamp.restorer.engine.runtime;
