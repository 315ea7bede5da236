import os, time, psycopg, uuid
def cpu(pid):
    f=open(f"/proc/{pid}/stat").read().rsplit(')',1)[1].split(); return (int(f[11])+int(f[12]))/os.sysconf('SC_CLK_TCK')
def test_cost(committed_database):
    P=[uuid.uuid4() for _ in range(20)]
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as oc:
        def drop(): 
            for i in ("event_by_client","event_by_target","event_by_reason"): oc.execute(f"DROP INDEX IF EXISTS {i}")
        def make(which):
            if "c" in which: oc.execute("CREATE INDEX event_by_client ON audit_event (client, id DESC)")
            if "t" in which: oc.execute("CREATE INDEX event_by_target ON audit_event (target, id DESC)")
            if "r" in which: oc.execute("CREATE INDEX event_by_reason ON audit_event (reason, id DESC) WHERE reason <> ''")
        k=0
        for which in ("ctr","","ctr","","c","ct"):
            drop(); make(which)
            with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as ac:
                pid=ac.info.backend_pid
                for b in range(100): pass
                a=cpu(pid); base=int(time.time()*1000)
                n=0
                for b in range(1500):
                    k+=1
                    ac.execute("""INSERT INTO audit_event (id,kind,outcome,reason,partner_id,client,target,actor,correlation_id,canonical,mac,kek_id,schema_version)
                    SELECT (lpad(to_hex((%s)::bigint),12,'0') || '7' || lpad(to_hex(n & 4095),3,'0') || '9' || lpad(to_hex((random()*1e17)::bigint),15,'0'))::uuid,'exchange.granted','granted','',(%s::uuid[])[1+n%%20],'client-'||(n%%20)::text,'https://target-'||(n%%10)||'.example','client:x',gen_random_uuid(),repeat('y',2000),'\\x00','0',1 FROM generate_series(1,32) n""",[base+k,P])
                    n+=32
                print(which or "none", f"{(cpu(pid)-a)/n*1e6:.1f} us CPU per row")
