from django.urls import path

from toguna.services.revenue.fines import desk_views, field_views, pound_views, public_views

urlpatterns = [
    path("fines/", public_views.find, name="fines"),
    path("fines/<slug:number>", public_views.fine, name="fine"),
    path("fines/<slug:number>/contest", public_views.contest, name="fine-contest"),
    path("fines/<slug:number>/photos/<int:pk>.jpg", public_views.photo, name="fine-photo"),
    path("tickets/app", field_views.app, name="tickets"),
    path("tickets/me", field_views.me, name="tickets-me"),
    path("tickets/day", field_views.day, name="tickets-day"),
    path("tickets/sync", field_views.sync, name="tickets-sync"),
    path("tickets/photo", field_views.photo, name="tickets-photo"),
    path("tickets/worker.js", field_views.worker, name="tickets-worker"),
    path("tickets/app.webmanifest", field_views.manifest, name="tickets-manifest"),
    path("desk/fines/", desk_views.tickets_page, name="desk-fines"),
    path("desk/fines/new", desk_views.new, name="desk-ticket-new"),
    path("desk/fines/kinds/", desk_views.kinds_page, name="desk-infractions"),
    path("desk/fines/kinds/new", desk_views.kind, name="desk-infraction-new"),
    path("desk/fines/kinds/<slug:slug>", desk_views.kind, name="desk-infraction"),
    path("desk/fines/repeat", desk_views.repeat, name="desk-fines-repeat"),
    path("desk/fines/court.csv", desk_views.court, name="desk-fines-court"),
    path("desk/fines/books/", desk_views.books_page, name="desk-ticket-books"),
    path("desk/fines/books/<int:pk>", desk_views.act_on_book, name="desk-ticket-book"),
    path("desk/fines/pound/", pound_views.held, name="desk-pound"),
    path("desk/fines/pound/<int:pk>", pound_views.vehicle, name="desk-impound"),
    path("desk/fines/pound/<int:pk>/slip.pdf", pound_views.slip, name="desk-impound-slip"),
    path("desk/fines/ticket/<slug:number>", desk_views.ticket, name="desk-ticket"),
    path("desk/fines/ticket/<slug:number>/act", desk_views.act, name="desk-ticket-act"),
    path("desk/fines/ticket/<slug:number>/paper.<slug:kind>", desk_views.paper, name="desk-ticket-paper"),
    path("desk/fines/ticket/<slug:number>/photos/<int:pk>.jpg", desk_views.photo, name="desk-ticket-photo"),
]
