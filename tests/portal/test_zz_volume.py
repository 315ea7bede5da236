import time, psycopg, pytest, datetime
from django.db import connection
from django.utils import timezone
def test_volume(committed_database, settings, services):
    from tests.portal import organisation as o
    org=o.build()
    with connection.cursor() as c:
        c.execute("SET statement_timeout=0")
        now=timezone.now()
        from audit.partitions import lowest_id
        t0=time.time()
        # 1M events over 10 days: ms spread
        c.execute("""
        INSERT INTO audit_event (id,kind,outcome,reason,partner_id,client,target,actor,correlation_id,canonical,mac,kek_id,schema_version)
        SELECT (lpad(to_hex((%s - n*864)::bigint),12,'0') || '7' || lpad(to_hex(n & 4095),3,'0') || '8' || lpad(to_hex(n),15,'0'))::uuid,
         CASE WHEN n%%50=0 THEN 'exchange.refused' ELSE 'exchange.granted' END, CASE WHEN n%%50=0 THEN 'refused' ELSE 'granted' END,
         CASE WHEN n%%50=0 THEN 'policy.target_not_mapped' ELSE '' END, CASE WHEN n%%1000=0 THEN %s ELSE %s END::uuid, 'client-'||(n%%20)::text, 'https://t'||(n%%10)||'.example', 'client:x', gen_random_uuid(), repeat('x',900), '\\x00', '0', 1
        FROM generate_series(1,1000000) n""", [int(now.timestamp()*1000), org.fjord.id, org.kestrel.id])
        print("insert", time.time()-t0)
        t0=time.time(); c.execute("SELECT 1"); 
    with services.administration() as adm: pass
    import os
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as oc:
        t0=time.time(); oc.execute("ANALYZE audit_event"); print("analyze", time.time()-t0)
    from django.test import Client
    from portal.models import User
    settings.STORAGES={**settings.STORAGES,"staticfiles":{"BACKEND":"django.contrib.staticfiles.storage.StaticFilesStorage"}}
    cl=Client(); cl.force_login(org.people["Security admin"])
    def t(url):
        cl.get(url)
        ts=[]
        for _ in range(3):
            a=time.time(); r=cl.get(url); ts.append(time.time()-a)
        print(f"{min(ts)*1000:7.0f} ms", r.status_code, url)
    for u in ["/overview","/partners","/partners/kestrel","/partners/kestrel/activity","/exchanges","/exchanges?range=30d","/exchanges?range=any&outcome=refused","/exchanges?range=any&reason=token.expired","/exchanges?range=any&reason=policy.target_not_mapped","/exchanges?range=any&client=client-3","/exchanges?range=any&client=nobody","/exchanges?range=any&target=https://t3.example","/exchanges?range=any&target=nobody","/exchanges?range=any&partner=fjord","/exchanges?range=any&partner=orbit","/exchanges?range=any&partner=fjord&outcome=refused","/exchanges?range=any&outcome=failed",f"/exchanges/{org.granted}", "/exchanges?q=kestrel","/exchanges?range=any&partner=fjord&client=nobody", "/exchanges?range=24h&client=nobody"]:
        t(u)
    for extra in []:
        with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as oc:
            for e in extra: 
                t0=time.time(); oc.execute(e); print(e, time.time()-t0)
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as ac:
            for rnd in range(3):
                base=int(time.time()*1000)+rnd*100000
                t0=time.time()
                for b in range(300):
                    ac.execute("""INSERT INTO audit_event (id,kind,outcome,reason,partner_id,client,target,actor,correlation_id,canonical,mac,kek_id,schema_version)
                    SELECT (lpad(to_hex((%s + n)::bigint),12,'0') || '7' || lpad(to_hex(n & 4095),3,'0') || '9' || lpad(to_hex(n+%s*32+%s*10000000),15,'0'))::uuid,'exchange.granted','granted','',%s,'client-'||(n%%20)::text,'https://t'||(n%%10)||'.example','client:x',gen_random_uuid(),repeat('y',2500),'\\x00','0',1 FROM generate_series(1,32) n""",[base+b*32,b,rnd+(10 if extra else 0),org.kestrel.id])
                print("32-row batches", "with" if extra else "without", f"{(time.time()-t0)/300*1e6:.0f} us/batch")
    for u in ["/exchanges?range=any&client=client-3","/exchanges?range=any&client=nobody","/exchanges?range=any&target=nobody","/exchanges?range=any&target=https://t3.example"]:
        t(u)
