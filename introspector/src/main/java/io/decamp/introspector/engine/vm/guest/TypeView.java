package io.decamp.introspector.engine.vm.guest;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** One type with the paths that were resolved in it. Paths are written in our source, so they are few. Thread safe. */
final class TypeView {
    private final Btf btf;
    private final int id;
    private final String name;
    private final Map<String, Optional<Member>> paths = new ConcurrentHashMap<>();

    TypeView(Btf btf, int id, String name) {
        this.btf = btf;
        this.id = id;
        this.name = name;
    }

    int id() {
        return id;
    }

    String name() {
        return name;
    }

    Optional<Member> find(String path) {
        Optional<Member> known = paths.get(path);
        if (known == null) {
            known = new TypePath(btf.blob(), btf).resolve(id, path);
            paths.put(path, known);
        }
        return known;
    }

    Member member(String path) {
        Optional<Member> found = find(path);
        if (found.isEmpty()) {
            throw GuestFault.type("Type " + name + " has no member " + path + " in this kernel");
        }
        return found.get();
    }
}
